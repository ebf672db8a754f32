import { command, query } from '#src/database/steps.ts'
import { fold } from '#src/lib/fold.ts'
import { MINUTE } from '#src/lib/time.ts'
import type { Queue } from '#src/queue/queue.ts'
import type { Quotas } from '../quota/service.ts'
import { findFirstExchange, findUnnamed, setTitle } from './statements.ts'

export const TITLE_KIND = 'chatroom.title'

/** A name that comes later than this is of no use, and each try costs a call. */
const DEADLINE_MS = 15 * MINUTE

/** The room's first answered exchange; undefined once the room has a name of its own, or is gone. */
export const getFirstExchange = query('titles.first-exchange', (tx, asked: { roomId: string }) =>
  tx.first(findFirstExchange, asked),
)

/** Names a room, unless a person did meanwhile. */
export function createNameRoom(quotas: Pick<Quotas, 'countText'>) {
  return command(
    'titles.name',
    function* (tx, input: { roomId: string; title: string; now: number }) {
      const room = yield* tx.first(findUnnamed, { roomId: input.roomId })
      if (!room) return
      const grownBytes = Buffer.byteLength(input.title) - room.titleBytes
      yield* quotas.countText(tx, room.userId, grownBytes, { isOurs: true })
      yield* tx.run(setTitle, { ...input, grownBytes, titleFolded: fold(input.title) })
    },
  )
}

/** Has a room named soon. A title that the user did not ask for takes no start that a prompt of today may need. */
export function createRequestTitle({
  queue,
  isOn,
  quotas,
}: {
  queue: Queue
  isOn: boolean
  quotas: Pick<Quotas, 'startExtra'>
}) {
  return command(
    'titles.request',
    function* (tx, { roomId, userId, now }: { roomId: string; userId: string; now: number }) {
      if (!isOn || !(yield* quotas.startExtra(tx, userId))) return
      yield* queue.enqueue(tx, {
        kind: TITLE_KIND,
        owner: userId,
        body: { roomId },
        dedupeKey: `title:${roomId}`,
        deadlineAt: now + DEADLINE_MS,
      })
    },
  )
}
