import { and, asc, eq, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { chatrooms, messages } from '#drizzle/schema.ts'
import { type SyncTx, syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { fold } from '#src/lib/fold.ts'
import { lazy } from '#src/lib/lazy.ts'
import type { TitleStore } from './store.ts'

const { placeholder } = sql

export function createTitleStore(
  { orm }: Database,
  /** Counts text that the server stored for a user. */
  countText: (tx: SyncTx, userId: string, bytes: number) => void,
): TitleStore {
  const prompts = alias(messages, 'prompts')
  const first = lazy(() =>
    orm
      .select({ prompt: prompts.content, reply: messages.content })
      .from(messages)
      .innerJoin(prompts, eq(prompts.id, messages.replyTo))
      .innerJoin(chatrooms, eq(chatrooms.id, messages.chatroomId))
      .where(
        and(
          eq(messages.chatroomId, placeholder('roomId')),
          eq(messages.status, 'complete'),
          eq(messages.role, 'assistant'),
          eq(chatrooms.titleBy, 'nobody'),
        ),
      )
      .orderBy(asc(messages.position))
      .limit(1)
      .prepare(),
  )

  const name = syncCommand('titles.name', ({ orm, sqlite }) => {
    const find = sqlite.query<{ userId: string; bytes: number }, [string]>(`
      SELECT user_id AS userId, octet_length(title) AS bytes FROM chatrooms WHERE id = ?1 AND title_by <> 'person'`)
    const update = orm
      .update(chatrooms)
      .set({
        title: sql`${placeholder('title')}`,
        titleFolded: sql`${placeholder('titleFolded')}`,
        titleBy: 'assistant',
        storedBytes: sql`${chatrooms.storedBytes} + ${placeholder('grownBytes')}`,
        updatedAt: sql`${placeholder('now')}`,
      })
      .where(eq(chatrooms.id, placeholder('roomId')))
      .prepare()
    return (tx, input: { roomId: string; title: string; now: number }): void => {
      const room = find.get(input.roomId)
      if (!room) return
      const grownBytes = Buffer.byteLength(input.title) - room.bytes
      countText(tx, room.userId, grownBytes)
      update.run({ ...input, grownBytes, titleFolded: fold(input.title) })
    }
  })

  return { firstExchange: async (roomId) => first().get({ roomId }), name }
}
