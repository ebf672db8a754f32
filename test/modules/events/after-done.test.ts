import { expect, test } from 'bun:test'
import { follow, gatedChat, isDelta, isDone } from '#test/support/test-stream.ts'

test('nothing of a reply is sent after its end', async () => {
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

test('a process that lost a reply sends nothing of it after another process ended it', async () => {
  const { gate, chat, token, roomId } = await gatedChat()
  const stream = await follow(chat, token, roomId)
  const { reply } = await chat.prompt(token, roomId, 'Hi')
  gate.send('Hello')
  await stream.until(isDelta)
  // As a server does that took the file over while this one was stopped.
  chat.database.sqlite.run('UPDATE chatrooms SET revision = revision + 1')
  chat.database.sqlite
    .query(
      `UPDATE messages SET status = 'failed', content = '', error_code = 'interrupted', error_message = 'x',
         completed_at = 1, final_revision = (SELECT revision FROM chatrooms) WHERE id = ?1`,
    )
    .run(reply.id)
  await chat.prompt(token, roomId, 'And?')
  await stream.until(isDone)
  gate.send('zombie')
  const last = await chat.prompt(token, roomId, 'Still there?')
  const events = await stream.until(({ data }) => data.id === last.reply.id)
  expect(events.filter(({ data }) => data.messageId === reply.id)).toEqual([])
  await stream.leave()
  await chat.stop()
})
