export type { Quota } from '#src/plugins/schemas.ts'

export type Tier = 'basic' | 'pro'

/** Whose quota it is: the tier goes with the account, what is counted with the number. */
export interface QuotaOwner {
  userId: string
  numberDigest: string
}

/** What one number uses; see `number_usage` in the schema. */
export type Usage = {
  day: string
  used: number
  starts: number
  minuteAt: number
  minutePrompts: number
  pending: number
  storedBytes: number
}

/** The most that a user of a tier may use. */
export interface Bounds {
  /** Prompts a day; null for no limit. */
  prompts: number | null
  /** Calls of the provider a day. */
  starts: number
  promptsPerMinute: number
  pending: number
  storedBytes: number
}
