import { describe, expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import { SAVE_EVERY_MS } from '#src/modules/messages/partial-saver.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createGate } from '#test/support/gate.ts'
import { createTestChat } from '#test/support/test-chat.ts'

/** A reply of which one piece has come, and whose provider has more to say. */
async function setUp() {
  const gate = createGate()
  const chat = await createTestChat({ behave: () => ({ kind: 'answer', pieces: gate.pieces() }) })
  const { token } = await chat.signIn()
  const roomId = await chat.openRoom(token)
  const { reply } = await chat.prompt(token, roomId, 'Hi')
  const savedAt = chat.clock.now() + SAVE_EVERY_MS
  gate.send('one ')
  while (!chat.clock.timers().includes(savedAt)) await turns(1)
  const [call] = chat.gemini.calls
  if (!call) throw new Error('The provider was not called')
  const path = `/v1/chatroom/${roomId}`
  return {
    chat,
    gate,
    isLeft: call.isLeft,
    read: () => chat.read(token, roomId, reply.id),
    cancel: () => chat.send('POST', `${path}/message/${reply.id}/cancel`, { token }),
    deleteRoom: () => chat.send('DELETE', path, { token }),
    [Symbol.asyncDispose]: chat.stop,
  }
}

describe('The provider’s call is cut off', () => {
  test('when its reply is cancelled', async () => {
    await using set = await setUp()
    expect((await set.cancel()).status).toBe(200)
    await set.isLeft
  })

  test('when its room is deleted', async () => {
    await using set = await setUp()
    expect((await set.deleteRoom()).status).toBe(204)
    await set.isLeft
  })

  test('when the server stops and does not wait for it', async () => {
    await using set = await setUp()
    const stopped = set.chat.worker.stop(5 * SECOND)
    await set.chat.clock.advance(5 * SECOND)
    await stopped
    await set.isLeft
  })

  test('when its job was lost to another worker, by the first write that is refused', async () => {
    await using set = await setUp()
    // Another worker has claimed the job, as after a pause of this process.
    set.chat.database.sqlite.run('UPDATE jobs SET claims = claims + 1')
    await set.chat.clock.advance(SAVE_EVERY_MS)
    await turns(20)
    set.gate.send('two ')
    await set.isLeft
    expect(await set.read()).toMatchObject({ status: 'queued', content: '' })
  })
})
