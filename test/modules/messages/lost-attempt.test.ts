import { expect, test } from 'bun:test'
import { SAVE_EVERY_MS } from '#src/modules/messages/partial-saver.ts'
import { savePartial } from '#src/modules/messages/reply-end.ts'
import { turns } from '#test/support/fake-clock.ts'
import { follow, gatedChat, isDelta } from '#test/support/test-stream.ts'

const DEADLINE_MS = 20_000

async function streaming() {
  const { gate, chat, token, roomId } = await gatedChat()
  const stream = await follow(chat, token, roomId)
  const { reply } = await chat.prompt(token, roomId, 'Hi')
  gate.send('Hello')
  await stream.until(isDelta)
  await chat.clock.advance(SAVE_EVERY_MS)
  const { sqlite } = chat.database
  const stored = () =>
    sqlite
      .query<Record<string, unknown>, [string]>(
        'SELECT content, status, attempt, completed_at AS completedAt FROM messages WHERE id = ?',
      )
      .get(reply.id)
  const job = () =>
    sqlite
      .query<{ id: number; state: string; claims: number; errors: number }, []>(
        "SELECT id, state, claims, errors FROM jobs WHERE kind = 'message.reply'",
      )
      .get()
  const end = async () => {
    gate.end()
    await stream.leave()
    await chat.stop()
  }
  return { gate, chat, stream, reply, sqlite, stored, job, [Symbol.asyncDispose]: end }
}

test('a worker that loses its job while it saves the text gives the reply up at once', async () => {
  await using set = await streaming()
  const { chat, gate, stream, sqlite, stored, job } = set
  const saved = { content: 'Hello', status: 'streaming', attempt: 1, completedAt: null }
  expect(stored()).toEqual(saved)
  // Another worker claimed it, whose lease is good.
  sqlite.run("UPDATE jobs SET claims = 2 WHERE kind = 'message.reply'")
  gate.send(' from before')
  await stream.until(isDelta)
  await chat.clock.advance(SAVE_EVERY_MS)
  // Its next piece meets the lost claim; the provider is not listened to any more, though it goes on.
  gate.send(' and more')
  const deadline = performance.now() + DEADLINE_MS
  while (chat.worker.running > 0 && performance.now() < deadline) await turns(1)
  expect(chat.worker.running).toBe(0)
  expect(stored()).toEqual(saved)
  expect(job()).toMatchObject({ state: 'running', claims: 2, errors: 0 })
})

test('only the attempt that holds the running job writes the text so far', async () => {
  await using set = await streaming()
  const { chat, reply, sqlite, stored, job } = set
  const jobId = job()?.id ?? 0
  const partial = { replyId: reply.id, jobId, attempt: 1, content: 'more' }
  const before = stored()
  const isWritten = (change: object = {}) =>
    chat.database.run(savePartial, { ...partial, ...change })
  expect(await isWritten({ attempt: 2 })).toBe(false)
  expect(await isWritten({ attempt: 0 })).toBe(false)
  expect(await isWritten({ jobId: jobId + 1 })).toBe(false)
  sqlite.run("UPDATE jobs SET state = 'ready', lease_until = NULL WHERE id = ?", [jobId])
  expect(await isWritten()).toBe(false)
  expect(stored()).toEqual(before)
  sqlite.run("UPDATE jobs SET state = 'running', lease_until = 9e15 WHERE id = ?", [jobId])
  expect(await isWritten()).toBe(true)
  expect(stored()).toMatchObject({ content: 'more', attempt: 1 })
  sqlite.run(
    "UPDATE messages SET status = 'cancelled', completed_at = 1, final_revision = 9 WHERE id = ?",
    [reply.id],
  )
  expect(await isWritten({ content: 'too late' })).toBe(false)
  expect(stored()).toMatchObject({ content: 'more', status: 'cancelled' })
})
