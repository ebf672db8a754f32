import { type Command, syncCommand, whole } from '#src/database/command.ts'
import { type JobKinds, promote, runBeforeRetry, runEnded, STOPPED } from './end.ts'
import { JOB_READY } from './enqueue.ts'
import type { Effect, JobEnd } from './job.ts'
import type { JobRow } from './row.ts'
import { BY_ID, END_CLAIM, RELEASE_CLAIM } from './sql.ts'

/** How a claim ends. */
export type Finish =
  | { as: 'done'; effect: Effect | undefined }
  | { as: 'ended'; end: JobEnd; effect: Effect | undefined }
  | {
      as: 'retry'
      dueAt: number
      countsError: boolean
      error: string | null
      /** `begun`: the handler may have done something, and will do it again. `unused`: it surely did nothing. */
      claim: 'begun' | 'snoozed' | 'unused'
    }

export interface FinishInput {
  /** As it was claimed. */
  row: Pick<JobRow, 'id' | 'claims' | 'lane'>
  finish: Finish
  now: number
}

/**
 * Ends a claim in one transaction: the fenced update, the effect, the promotion of the lane. Gives false
 * and writes nothing when the fence misses, so a worker that was thought dead cannot act twice.
 */
export function createFinish(kinds: JobKinds): Command<FinishInput, boolean> {
  return syncCommand('queue.finish', ({ sqlite }) => {
    const end = sqlite.query<unknown, [Record<string, string | number | null>]>(END_CLAIM)
    const byId = sqlite.query<JobRow, [number]>(BY_ID)
    const release = sqlite.query<{ kind: string }, [Record<string, string | number | null>]>(
      RELEASE_CLAIM,
    )
    return (tx, { row, finish, now }) => {
      const fence = { id: row.id, claims: row.claims }
      if (finish.as === 'retry') {
        const { dueAt, countsError, error, claim } = finish
        const held = claim === 'begun' ? byId.get(row.id) : null
        const instead = held?.claims === row.claims && runBeforeRetry(tx, kinds, held)
        if (instead) return write({ as: 'ended', end: instead, effect: undefined })
        const released = release.get({
          ...fence,
          dueAt,
          errors: countsError ? 1 : 0,
          unused: claim === 'unused' ? 1 : 0,
          error,
        })
        if (released) {
          tx.notify(JOB_READY, released.kind)
          return true
        }
        // Either the fence missed, or a stop came while the handler failed by itself: then it ends here.
        return write({ as: 'ended', end: STOPPED, effect: undefined })
      }
      return write(finish)

      function write(how: Exclude<Finish, { as: 'retry' }>): boolean {
        const state = how.as === 'done' ? 'done' : how.end.state
        const error = how.as === 'done' ? null : `${how.end.code}: ${how.end.message}`
        if (end.run({ ...fence, state, now, error, losses: 0 }).changes === 0) return false
        // `effect` has put the command and its input together.
        if (how.effect) tx.run(whole(how.effect.command), how.effect.input as never)
        else if (how.as === 'ended') {
          const ended = byId.get(row.id)
          if (ended) runEnded(tx, kinds, ended, how.end)
        }
        tx.run(promote, { id: row.id, lane: row.lane, now })
        return true
      }
    }
  })
}
