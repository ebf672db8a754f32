import type { SyncTx } from '#src/database/command.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Origin } from '#src/plugins/origin.ts'

export interface UserRow {
  id: string
  phone: string
  name: string | null
  hasPassword: boolean
  numberDigest: string
  createdAt: number
}

/** What another module does in the transaction that deletes a user, before the row goes. */
export type OnDeleted = (tx: SyncTx, userId: string) => void

type Whence = Pick<Origin, 'ip' | 'requestId'>

/** What a user's own record asks of the database. */
export interface UserStore {
  find(userId: string): Promise<UserRow | undefined>
  rename(input: { userId: string; name: string | null; now: number }): Promise<void>
  /**
   * Erases the user and all that is theirs; false where they are gone already. Where that is much, it is out of
   * everybody's reach at once and erased by a job.
   * Without an origin it is an operator's deed.
   */
  remove(input: { userId: string; origin: Whence | undefined; now: number }): Promise<boolean>
  /** Erases a part of a user who is hidden already; true once nothing is left. */
  eraseSome(input: { userId: string }): Promise<boolean>
  /** Has every erasure that is not through go on; gives how many. */
  resumeErasures(): Promise<number>
  /** Counts and writes down that everything is read. @throws Problem 429 */
  startExport(input: { userId: string; limit: Limit; origin: Whence; now: number }): Promise<void>
  /** Everything held on the user, page by page; `type` says what each entry is. */
  everything(userId: string): Generator<Entry[]>
  /** Erases accounts whose number nobody proved; gives how many. */
  pruneUnverified(input: { createdBefore: number }): Promise<number>
}

/** One line of an export. */
export type Entry = { type: string } & Record<string, string | number | boolean | null>
