import { syncCommand } from '#src/database/command.ts'
import { SET_BACK_JOBS, SET_BACK_PAUSES, SET_BACK_PROVIDERS } from './sql.ts'

/**
 * The clock was set back: what waits for an instant would wait that much longer, and a provider's pause of
 * a second would last an hour. Moves those instants along. A day is a row of its own, so quotas need nothing.
 */
export const setBack = syncCommand('queue.setBack', ({ sqlite }) => {
  type Input = { byMs: number; now: number }
  const jobs = sqlite.query<unknown, [Input]>(SET_BACK_JOBS)
  const providers = sqlite.query<unknown, [Input]>(SET_BACK_PROVIDERS)
  const pauses = sqlite.query<unknown, [Input]>(SET_BACK_PAUSES)
  return (_tx, input: Input) => {
    jobs.run(input)
    providers.run(input)
    pauses.run(input)
  }
})
