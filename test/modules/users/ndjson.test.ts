import { expect, test } from 'bun:test'
import { toNdjson } from '#src/modules/users/ndjson.ts'

test('an export with a fast reader reads each page in another tick of the event loop', async () => {
  const order: string[] = []
  let ends = 0
  async function* pages() {
    for (let page = 1; page <= 3; page++) {
      order.push(`page ${page}`)
      setImmediate(() => order.push(`others after ${page}`))
      yield [{ type: 'user', id: String(page) }]
    }
  }
  const text = await new Response(toNdjson(pages(), () => ends++)).text()
  expect(order.slice(0, 5)).toEqual([
    'page 1',
    'others after 1',
    'page 2',
    'others after 2',
    'page 3',
  ])
  expect(text.trim().split('\n')).toHaveLength(3)
  expect(ends).toBe(1)
})

test('a cancelled export reads no further page and ends once', async () => {
  let read = 0
  let ends = 0
  async function* pages() {
    for (;;) {
      read++
      yield [{ type: 'user', id: 'x'.repeat(100) }]
    }
  }
  const reader = toNdjson(pages(), () => ends++).getReader()
  await reader.read()
  const next = reader.read()
  await reader.cancel()
  await next
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(read).toBe(1)
  expect(ends).toBe(1)
})
