import * as schema from '../../drizzle/schema.ts'
import type { Orm } from '../../src/database/connection.ts'
import { FOLD_VERSION } from '../../src/lib/fold.ts'
import { ANSWERED, CONTENT } from '../peers/content.ts'
import type { BenchUser } from '../support/world.ts'

/** Past exchanges in every room, as the product would have stored them. */
export function fillRooms(orm: Orm, users: readonly BenchUser[], perRoom: number): void {
  for (const { userId, rooms } of users) {
    for (const roomId of rooms) fillRoom(orm, userId, roomId, perRoom)
  }
  orm
    .update(schema.chatrooms)
    .set({ revision: perRoom, userMessages: perRoom / 2, assistantMessages: perRoom / 2 })
    .run()
  // Searches find what the server has taken into its index by then.
  const { messages, searchPending } = schema
  orm
    .insert(searchPending)
    .select(orm.select({ key: messages.key }).from(messages))
    .run()
  // The server would otherwise index everything a second time, while it is measured.
  for (const what of ['messages', 'titles'] as const) {
    orm.insert(schema.refolding).values({ what, version: FOLD_VERSION, place: null }).run()
  }
}

function fillRoom(orm: Orm, userId: string, chatroomId: string, perRoom: number): void {
  const now = Date.now() - 60_000
  let promptId = ''
  for (let position = 1; position <= perRoom; position++) {
    const isPrompt = position % 2 === 1
    const id = Bun.randomUUIDv7()
    orm
      .insert(schema.messages)
      .values({
        id,
        chatroomId,
        owner: userId.replaceAll('-', ''),
        position,
        finalRevision: position,
        role: isPrompt ? 'user' : 'assistant',
        content: CONTENT,
        status: 'complete',
        replyTo: isPrompt ? null : promptId,
        ...(isPrompt ? {} : ANSWERED),
        createdAt: now,
        completedAt: now,
      })
      .run()
    if (isPrompt) promptId = id
  }
}
