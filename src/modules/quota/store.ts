import type { Command } from '#src/database/command.ts'
import type { Bounds, Usage } from './model.ts'

export interface Place {
  numberDigest: string
  /** Today. */
  day: string
}

export interface Take extends Place {
  bounds: Bounds
  /** UTF-8 bytes that the prompt adds to what is stored. */
  bytes: number
  now: number
}

/** The usage as it then is, or as it was where a bound was reached; nothing is taken then. */
export interface Took {
  usage: Usage
  exceeded?: keyof Bounds
}

export interface Start extends Place {
  bounds: Bounds
  /** One start stays for each prompt that the day has left. */
  leavesPrompts: boolean
}

/** How a reply settles what its prompt took. */
export interface Settle {
  numberDigest: string
  /** UTF-8 bytes of the reply. */
  bytes: number
  /** The day to refund the prompt to; null where it stays charged. */
  refundTo: string | null
}

/** What the quota asks of the database. The commands run inside the transaction that accepts or ends a prompt. */
export interface QuotaStore {
  read(place: Place): Usage
  /** Undefined where the user is gone. */
  owner: Command<{ userId: string }, { numberDigest: string; phone: string } | undefined>
  /** Counts a prompt, the start of its reply and its bytes. */
  take: Command<Take, Took>
  /** Counts a further start; false, and none is counted, where none is left. */
  start: Command<Start, boolean>
  settle: Command<Settle, void>
  /** Counts text that is stored, or with a negative number freed; false where `most` bytes are not enough. */
  store: Command<Place & { bytes: number; most: number }, boolean>
  /** The account of a number is deleted: only today's counts stay, under `keptAs`, for as long as the day lasts. */
  leave: Command<Place & { keptAs: string }, void>
  /** Forgets the days before `before`, and of deleted accounts those before `today`; gives how many rows went. */
  prune(input: { before: string; today: string }): Promise<number>
}
