import { expect, test } from 'bun:test'
import { follow, gatedChat, isDone } from '#test/support/test-stream.ts'

test('nothing of a reply is told after its end', async () => {
  const { gate, chat, token, roomId } = await gatedChat()
  const stream = await follow(chat, token, roomId)
  await chat.prompt(token, roomId, 'Hi')
  gate.send('Hello')
  gate.end()
  await stream.until(isDone)
  const next = await chat.prompt(token, roomId, 'And?')
  const events = await stream.until(({ data }) => data.id === next.reply.id)
  expect(events.map(({ event }) => event).filter((event) => event !== 'quota')).toEqual([
    'message',
    'message',
  ])
  await stream.leave()
  await chat.stop()
})
