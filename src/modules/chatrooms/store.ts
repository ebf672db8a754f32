import type { Rows } from '#src/lib/page.ts'
import type { Answer, IdempotencyKey } from '#src/modules/idempotency/key.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Room, RoomChange } from './model.ts'

export interface RoomKey {
  activeAt: number
  id: string
}

export interface RoomToCreate {
  userId: string
  claim: IdempotencyKey | undefined
  limit: Limit
  now: number
  room: {
    id: string
    title: string
    titleBy: 'nobody' | 'person'
    systemPrompt: string | null
    model: string | null
  }
}

export interface RoomToRemove {
  userId: string
  roomId: string
  now: number
}

/** What the rooms ask of the database. Each method is one atomic unit. */
export interface RoomStore {
  /** @throws Problem 409 `storage-full`, 429, though not where it is a repetition */
  create(input: RoomToCreate): Promise<Answer<Room>>
  /**
   * Most recently active first, from behind `after`; titles that hold `search`, compared without case and accents. `until` is
   * the last room that was looked at, where there are more.
   */
  list(input: {
    userId: string
    limit: number
    after: RoomKey | undefined
    search: string | undefined
  }): Promise<Rows<Room & RoomKey> & { until?: RoomKey }>
  find(input: { userId: string; roomId: string }): Promise<Room | undefined>
  /** @throws Problem 409 `storage-full` */
  change(input: {
    userId: string
    roomId: string
    change: RoomChange
    now: number
  }): Promise<Room | undefined>
  /** Removes the room, its messages and its jobs; false where there is none. */
  remove(input: RoomToRemove): Promise<boolean>
}
