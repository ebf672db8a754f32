/** What the delivery of codes asks of the database. */
export interface SmsStore {
  /**
   * Marks that a code is about to be handed over, and gives its recipient. Undefined where there is nothing to send: the
   * challenge has ended, its number has no account, or an earlier try may have succeeded. The budget that was reserved
   * for it is then given back, except in the last case.
   */
  begin(input: {
    challengeId: string
    again: boolean
    budget: readonly string[]
    now: number
  }): Promise<string | undefined>
  /** The code was surely not handed over. */
  clear(challengeId: string): Promise<void>
}
