import type { Command } from '#src/database/command.ts'
import { command, query } from '#src/database/steps.ts'
import { fold } from '#src/lib/fold.ts'
import { findFirstExchange, findUnnamed, setTitle } from './statements.ts'

/** The room's first answered exchange; undefined once the room has a name of its own, or is gone. */
export const getFirstExchange = query('titles.first-exchange', (tx, asked: { roomId: string }) =>
  tx.first(findFirstExchange, asked),
)

/** Names a room, unless a person did meanwhile. */
export function createNameRoom(
  /** Counts text that the server stored for a user. */
  countText: Command<{ userId: string; bytes: number }, void>,
) {
  return command(
    'titles.name',
    function* (tx, input: { roomId: string; title: string; now: number }) {
      const room = yield* tx.first(findUnnamed, { roomId: input.roomId })
      if (!room) return
      const grownBytes = Buffer.byteLength(input.title) - room.titleBytes
      yield* tx.call(countText, { userId: room.userId, bytes: grownBytes })
      yield* tx.run(setTitle, { ...input, grownBytes, titleFolded: fold(input.title) })
    },
  )
}
