import { command } from '#src/database/command.ts'
import type { Database } from '#src/database/open.ts'
import type { SmsStore } from './store.ts'

const begin = command('sms.begin', ({ sqlite }) => {
  const mark = sqlite.query<{ phone: string }, [Record<string, string | number>]>(`
    UPDATE otp_challenges SET delivery_began_at = $now
    WHERE id = $challengeId AND user_id IS NOT NULL AND ended_at IS NULL AND expires_at > $now
      AND (delivery_began_at IS NULL OR $again = 1)
    RETURNING phone`)
  return (_tx, input: { challengeId: string; again: boolean; now: number }) =>
    mark.get({ ...input, again: input.again ? 1 : 0 })?.phone
})

const clear = command('sms.clear', ({ sqlite }) => {
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
