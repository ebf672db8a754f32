import type { SearchHit } from './model.ts'

export interface PlacedHit {
  hit: SearchHit
  /** Its place in the order: newest first. */
  key: number
}

export interface SearchStore {
  /** Takes a few of the messages that wait for the index into it; false when none wait any more. */
  index(): Promise<boolean>
  /** The user's own messages that match, newest first, from behind `before`. */
  find(input: {
    userId: string
    text: string
    limit: number
    before: number | undefined
  }): Promise<PlacedHit[]>
}
