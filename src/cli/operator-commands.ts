import { command } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { type Resumption, resumeModels } from '#src/queue/provider-pauses.ts'
import type { Queue } from '#src/queue/queue.ts'
import { revive } from '#src/queue/revive.ts'
import type { JobRow } from '#src/queue/row.ts'

interface Action {
  job: Pick<JobRow, 'id' | 'kind'>
  now: number
}

/** Gives a job another chance, and records that an operator did. */
export const retryJob = command('operator.retry-job', function* (tx, action: Action) {
  const result = yield* tx.call(revive, { id: action.job.id, now: action.now })
  if (result === 'revived') yield* audit.steps(tx, entry('job.retried', action))
  return result
})

/** Cancels a job, and records that an operator did. */
export const createCancelJob = (queue: Queue) =>
  command('operator.cancel-job', function* (tx, action: Action) {
    const result = yield* queue.cancel(tx, action.job.id)
    if (result !== 'ended') yield* audit.steps(tx, entry('job.cancelled', action))
    return result
  })

function entry(event: string, { job: { id, kind }, now }: Action) {
  return { at: now, event, userId: null, actor: 'operator' as const, detail: { job: id, kind } }
}

/** Lifts pauses, and records that an operator did. */
export const resumeProvider = command(
  'operator.resume-provider',
  function* (tx, input: Resumption) {
    const lifted = yield* tx.call(resumeModels, input)
    const { name, model, now } = input
    const by = { at: now, event: 'provider.resumed', userId: null, actor: 'operator' as const }
    if (lifted > 0) yield* audit.steps(tx, { ...by, detail: { provider: name, model, lifted } })
    return lifted
  },
)
