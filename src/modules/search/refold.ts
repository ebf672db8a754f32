import { command, type Steps, type Tx } from '#src/database/steps.ts'
import { FOLD_VERSION, fold } from '#src/lib/fold.ts'
import {
  countWaiting,
  findHighestKey,
  findKeyBelow,
  findProgress,
  handToIndex,
  keepProgress,
  listTitles,
  type Refolded,
  removePartitions,
  setFoldedTitle,
} from './statements.ts'

/** What one commit hands to the index, and the titles that it folds again: about five milliseconds. */
const MESSAGES_AT_ONCE = 1_000
const ROOMS_AT_ONCE = 200

/**
 * Takes a step in making again what an earlier fold made: the search index, from the newest message to the oldest, and the
 * titles of rooms. Gives whether there was a step to take. Meanwhile a search finds what is indexed already.
 */
export const refoldSome = command('search.refold', function* (tx, _: undefined) {
  const hadMessages = yield* step(tx, 'messages', handMessages, beginMessages)
  const hadTitles = yield* step(tx, 'titles', foldTitles)
  return hadMessages || hadTitles
})

function* step(
  tx: Tx,
  what: Refolded,
  next: (tx: Tx, place: string) => Steps<string | null>,
  begin?: (tx: Tx) => Steps<string>,
): Steps<boolean> {
  const progress = yield* tx.first(findProgress, { what })
  const isBegun = progress?.version === FOLD_VERSION
  const place = isBegun ? progress.place : begin ? yield* begin(tx) : ''
  if (place === null) return false
  yield* tx.run(keepProgress, { what, version: FOLD_VERSION, place: yield* next(tx, place) })
  return true
}

/** The index itself keeps the old terms until each message is replaced; nothing asks for them. */
function* beginMessages(tx: Tx): Steps<string> {
  yield* tx.run(removePartitions, {})
  const highest = yield* tx.first(findHighestKey, {})
  return String((highest?.key ?? 0) + 1)
}

function* handMessages(tx: Tx, place: string): Steps<string | null> {
  const below = Number(place)
  const waiting = yield* tx.first(countWaiting, { most: MESSAGES_AT_ONCE })
  if ((waiting?.count ?? 0) >= MESSAGES_AT_ONCE) return place
  const lowest = yield* tx.first(findKeyBelow, { below, limit: MESSAGES_AT_ONCE })
  const from = lowest?.key ?? null
  if (from === null) return null
  yield* tx.run(handToIndex, { from, below })
  return String(from)
}

function* foldTitles(tx: Tx, after: string): Steps<string | null> {
  const rooms = yield* tx.all(listTitles, { after, limit: ROOMS_AT_ONCE })
  for (const { id, title } of rooms) yield* tx.run(setFoldedTitle, { id, titleFolded: fold(title) })
  return rooms.at(-1)?.id ?? null
}
