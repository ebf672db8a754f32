import { expect, test } from 'bun:test'
import { createInFlight } from '#src/lib/in-flight.ts'

const PIECE = 64 * 1024

test('hands over the first piece of a long answer at once', async () => {
  const inFlight = createInFlight({ name: 'requests', most: 4 })
  const stream = inFlight.enter('ada').send(new Uint8Array(PIECE))

  expect(inFlight.countOf('ada')).toBe(0)
  expect(await new Response(stream).bytes()).toHaveLength(PIECE)
})

test('holds a longer answer until the last piece is taken', async () => {
  const inFlight = createInFlight({ name: 'requests', most: 4 })
  const reader = inFlight
    .enter('ada')
    .send(new Uint8Array(2 * PIECE + 1))
    .getReader()

  for (const size of [PIECE, PIECE]) {
    expect((await reader.read()).value).toHaveLength(size)
    expect(inFlight.countOf('ada')).toBe(3)
  }
  expect((await reader.read()).value).toHaveLength(1)
  expect((await reader.read()).done).toBe(true)
  expect(inFlight.countOf('ada')).toBe(0)
})

test('lets go of an answer whose reader is gone', async () => {
  const inFlight = createInFlight({ name: 'requests', most: 4 })
  const stream = inFlight.enter('ada').send(new Uint8Array(3 * PIECE))

  await stream.cancel()
  expect(inFlight.countOf('ada')).toBe(0)
})
