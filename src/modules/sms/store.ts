/** What the delivery of codes asks of the database. */
export interface SmsStore {
  /**
   * Marks that a code is about to be handed over, and gives its recipient. Undefined where there is
   * nothing to send: the challenge is over, its number nobody's, or an earlier try may have succeeded.
   */
  begin(input: { challengeId: string; again: boolean; now: number }): Promise<string | undefined>
  /** The code was surely not handed over. */
  clear(challengeId: string): Promise<void>
}
