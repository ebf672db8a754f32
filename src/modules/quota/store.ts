import type { Command } from '#src/database/command.ts'

/** What the quota asks of the database. The commands run inside the transaction that accepts or ends a prompt. */
export interface QuotaStore {
  used(input: { userId: string; day: string }): number
  /** Takes one of the day; gives how many are used then, or undefined and takes none when all are. */
  take: Command<{ userId: string; day: string; limit: number }, number | undefined>
  giveBack: Command<{ userId: string; day: string }, void>
  /** Forgets the days before `day`; gives how many rows went. */
  prune(input: { before: string }): Promise<number>
}
