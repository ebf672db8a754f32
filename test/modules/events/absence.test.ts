import { expect, test } from 'bun:test'
import { rebuild, type SseEvent } from '#test/support/sse.ts'
import { UNLIMITED } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'
import { follow, isDone } from '#test/support/test-stream.ts'

const PROMPTS = 120

test('A reader that missed more than one read is sent everything once and in order', async () => {
  const chat = await createTestChat({
    settings: UNLIMITED,
    behave: ({ prompt }) => ({ kind: 'answer', pieces: ['re: ', prompt] }),
  })
  const { token } = await chat.signIn()
  const roomId = await chat.openRoom(token)
  const stream = await follow(chat, token, roomId)
  const first = await stream.next()
  await stream.leave()
  const replies: string[] = []
  for (let at = 0; at < PROMPTS; at++) {
    replies.push((await chat.prompt(token, roomId, `prompt ${at}`)).reply.id)
  }
  await chat.final(token, roomId, replies.at(-1) ?? '')

  const resumed = await follow(chat, token, roomId, first?.id)
  let left = PROMPTS
  const events = await resumed.until((event) => isDone(event) && --left === 0)
  const ids = (wanted: (event: SseEvent) => boolean) =>
    events.filter(wanted).map(({ data }) => data.id)
  expect(ids(isDone)).toEqual(replies)
  expect(ids(({ event, data }) => event === 'message' && data.role === 'assistant')).toEqual(
    replies,
  )
  expect(ids(({ event }) => event === 'message')).toHaveLength(2 * PROMPTS)
  const texts = rebuild(events)
  expect(replies.map((id) => texts.get(id))).toEqual(replies.map((_, at) => `re: prompt ${at}`))
  await resumed.leave()
  await chat.stop()
})
