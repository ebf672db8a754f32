import type { Limit } from '#src/modules/limits/limit.ts'
import type { SearchHit } from './model.ts'
import type { Phrase } from './query.ts'

/** How far a search has come: all of the partition's messages from `before` on have been looked at. */
export interface Place {
  partition: number
  before: number
}

export interface SearchStore {
  /** Counts a search. @throws Problem 429 */
  admit(limit: Limit): Promise<void>
  /** Takes a few of the messages that wait for the index into it; false when none wait any more. */
  index(): Promise<boolean>
  /** Takes a step in making again what an earlier fold wrote; false when nothing is left. */
  refold(): Promise<boolean>
  /**
   * The user's own messages that hold every phrase, newest first, from behind `after`. `next` is undefined when there
   * are no more: a page whose time is up ends before it has `limit` of them.
   */
  find(input: {
    userId: string
    phrases: readonly Phrase[]
    limit: number
    after: Place | undefined
  }): { found: SearchHit[]; next: Place | undefined }
}
