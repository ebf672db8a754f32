import { type Command, syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { takeBack } from '#src/modules/limits/commands.ts'
import type { SmsStore } from './store.ts'

type Unsent = { challengeId: string; budget: readonly string[] }

const begin = syncCommand('sms.begin', ({ sqlite }) => {
  const mark = sqlite.query<{ phone: string }, [Record<string, string | number>]>(`
    UPDATE otp_challenges SET delivery_began_at = $now
    WHERE id = $challengeId AND user_id IS NOT NULL AND ended_at IS NULL AND expires_at > $now
      AND (delivery_began_at IS NULL OR $again = 1)
    RETURNING phone`)
  return (tx, input: Unsent & { again: boolean; now: number }) => {
    const { challengeId, again, budget, now } = input
    const found = mark.get({ challengeId, now, again: again ? 1 : 0 })
    if (!found) tx.run(releaseUnsent, { challengeId, budget })
    return found?.phone
  }
})

/** Gives back what was reserved for an SMS that was surely not sent. */
export const releaseUnsent: Command<Unsent, void> = syncCommand(
  'sms.release-unsent',
  ({ sqlite }) => {
    const isSent = sqlite.query<unknown, [string]>(
      'SELECT 1 FROM otp_challenges WHERE id = ?1 AND delivery_began_at IS NOT NULL',
    )
    return (tx, { challengeId, budget }) => {
      if (isSent.get(challengeId)) return
      for (const key of budget) tx.run(takeBack, { key })
    }
  },
)

const clear = syncCommand('sms.clear', ({ sqlite }) => {
  const unmark = sqlite.query<unknown, [string]>(
    'UPDATE otp_challenges SET delivery_began_at = NULL WHERE id = ?1',
  )
  return (_tx, challengeId: string): void => {
    unmark.run(challengeId)
  }
})

export function createSmsStore(database: Database): SmsStore {
  return {
    begin: (input) => database.execute(begin, input),
    clear: (challengeId) => database.execute(clear, challengeId),
  }
}
