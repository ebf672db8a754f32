import { afterEach, expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createGate } from '#test/support/gate.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { json, UNLIMITED } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

let open: Awaited<ReturnType<typeof createTestChat>> | undefined
afterEach(async () => {
  await open?.stop()
  open = undefined
})

/** One room whose provider speaks only when told to, and what its waiting replies are by the rows themselves. */
async function waitingRoom() {
  const gates: ReturnType<typeof createGate>[] = []
  const chat = await createTestChat({
    settings: UNLIMITED,
    behave: () => {
      const gate = createGate()
      gates.push(gate)
      return { kind: 'answer', pieces: gate.pieces() }
    },
  })
  open = chat
  const { token } = await chat.signIn()
  const roomId = await chat.openRoom(token)
  const waiting = () =>
    chat.database.sqlite
      .query<{ id: string }, [string]>(
        'SELECT id FROM messages WHERE chatroom_id = ?1 AND completed_at IS NULL ORDER BY position',
      )
      .all(roomId)
      .map(({ id }) => id)
  return {
    chat,
    token,
    roomId,
    waiting,
    told: async () =>
      (await json<Room>(chat.send('GET', `/v1/chatroom/${roomId}`, { token }))).pendingReply,
    act: (replyId: string, what: 'cancel' | 'regenerate') =>
      chat.send('POST', `/v1/chatroom/${roomId}/message/${replyId}/${what}`, { token }),
    async answer(replyId: string) {
      while (waiting()[0] === replyId) {
        for (const gate of gates.splice(0)) {
          gate.send('Yes.')
          gate.end()
        }
        await turns(1)
      }
    },
  }
}

test('pendingReply of a room is its first reply that is not final, in whatever order replies come, end and are cancelled', async () => {
  const room = await waitingRoom()
  const random = createSeededRandom(7)
  const ended: string[] = []
  const seen = new Set<string>()
  for (let step = 0; step < 80; step++) {
    const waiting = room.waiting()
    const kind = random.int(10)
    const any = waiting[random.int(waiting.length)]
    const old = ended[random.int(ended.length)]
    if (kind < 4 || !any) {
      await room.chat.prompt(room.token, room.roomId, `prompt ${step}`)
      seen.add('prompt')
    } else if (kind < 6 && old) {
      expect((await room.act(old, 'regenerate')).status).toBe(202)
      seen.add('regenerate')
    } else if (kind < 8) {
      expect((await room.act(any, 'cancel')).status).toBe(200)
      ended.push(any)
      seen.add(any === waiting[0] ? 'cancel the first' : 'cancel a later one')
    } else if (waiting[0]) {
      await room.answer(waiting[0])
      ended.push(waiting[0])
      seen.add('answer')
    }
    expect([step, await room.told()]).toEqual([step, room.waiting()[0] ?? null])
  }
  expect(seen.size).toBe(5)
})
