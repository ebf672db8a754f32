import type { SearchHit } from './model.ts'

export interface PlacedHit {
  hit: SearchHit
  /** Its place in the order: newest first. */
  key: number
}

export interface SearchStore {
  /** The user's own messages that match, newest first, from behind `before`. */
  find(input: {
    userId: string
    text: string
    limit: number
    before: number | undefined
  }): Promise<PlacedHit[]>
}
