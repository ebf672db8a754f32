import { command, query, type Steps, type Tx } from '#src/database/steps.ts'
import { toOwnTerm } from './match.ts'
import { addToIndex, mergeIndex } from './statements.sqlite.ts'
import {
  findPartitionAbove,
  findPartitionBelow,
  findText,
  findWaiting,
  growPartition,
  insertPartition,
  listWaiting,
  removeWaiting,
} from './statements.ts'
import { termsOf } from './words.ts'

/**
 * A commit takes in this much, and the message with which it passes one of the last two: a few milliseconds, so that
 * requests come in between. A message alone has at most 50 000 characters and 8 000 terms that count.
 */
const MESSAGES_AT_ONCE = 64
const CHARACTERS_AT_ONCE = 20_000
const TERMS_AT_ONCE = 4_000
/** FTS5's own merging comes in bursts of 30 ms and more, so it is off and each commit does a little. */
const MERGED_PAGES = 16
/**
 * A partition with so many terms takes no further message. Every step of a query reads at most one partition: merging
 * the lists of 30 000 different words that begin with the same letter takes 3 ms.
 */
export const TERMS_OF_PARTITION = 20_000

/** Whether any message waits for the index. */
export const hasWaiting = query('search.has-waiting', function* (tx, _: undefined) {
  return (yield* tx.first(findWaiting, {})) !== undefined
})

/** Takes a few of the messages that wait into the index. */
export const indexSome = command('search.index', function* (tx, _: undefined) {
  const batch: { key: number; owner: string; terms: Set<string> }[] = []
  let lowest: number | undefined
  let characters = 0
  let count = 0
  for (const { key } of yield* tx.all(listWaiting, { limit: MESSAGES_AT_ONCE })) {
    lowest = key
    // One by one, as the first may be all that this commit takes.
    const message = yield* tx.first(findText, { key })
    if (!message) continue
    const terms = termsOf(message.content)
    batch.push({ key, owner: message.owner, terms })
    characters += message.content.length
    count += terms.size
    if (characters >= CHARACTERS_AT_ONCE || count >= TERMS_AT_ONCE) break
  }
  if (lowest === undefined) return
  // In the order of their keys, or FTS5 writes what it holds in memory at each step back.
  for (const { key, owner, terms } of batch.reverse()) {
    const partition = yield* choosePartition(tx, { owner, key, terms: terms.size })
    const words = [...terms].map((term) => toOwnTerm(owner, partition, term)).join(' ')
    yield* tx.run(addToIndex, { key, words })
  }
  yield* tx.run(mergeIndex, { pages: MERGED_PAGES })
  yield* tx.run(removeWaiting, { from: lowest })
})

/**
 * Gives the number of the partition that takes a message. Keys come in no order: a reply becomes final after later prompts,
 * and an upgrade indexes old messages last. So a message goes to the partition that covers its key; where that is full,
 * to the next one, which then begins with it; and where that is full too, to a new one.
 */
function* choosePartition(
  tx: Tx,
  { owner, key, terms }: { owner: string; key: number; terms: number },
): Steps<number> {
  const covering = yield* tx.first(findPartitionBelow, { owner, before: key + 1 })
  let partition = covering
  if (!hasRoom(partition)) partition = yield* tx.first(findPartitionAbove, { owner, key })
  if (!hasRoom(partition)) {
    const made = yield* tx.first(insertPartition, { owner, key, terms })
    if (!made) throw new Error('A new partition has no number')
    return made.number
  }
  yield* tx.run(growPartition, { owner, number: partition.number, key, terms })
  return partition.number
}

function hasRoom<P extends { terms: number }>(partition: P | undefined): partition is P {
  return partition !== undefined && partition.terms < TERMS_OF_PARTITION
}
