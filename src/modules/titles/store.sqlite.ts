import { and, asc, eq, ne, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { chatrooms, messages } from '#drizzle/schema.ts'
import { command } from '#src/database/command.ts'
import type { Database } from '#src/database/open.ts'
import { fold } from '#src/lib/fold.ts'
import { lazy } from '#src/lib/lazy.ts'
import type { TitleStore } from './store.ts'

const { placeholder } = sql

export function createTitleStore({ orm }: Database): TitleStore {
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

  const name = command('titles.name', ({ orm }) => {
    const update = orm
      .update(chatrooms)
      .set({
        title: sql`${placeholder('title')}`,
        titleFolded: sql`${placeholder('titleFolded')}`,
        titleBy: 'assistant',
        updatedAt: sql`${placeholder('now')}`,
      })
      .where(and(eq(chatrooms.id, placeholder('roomId')), ne(chatrooms.titleBy, 'person')))
      .prepare()
    return (_tx, input: { roomId: string; title: string; now: number }): void => {
      update.run({ ...input, titleFolded: fold(input.title) })
    }
  })

  return { firstExchange: async (roomId) => first().get({ roomId }), name }
}
