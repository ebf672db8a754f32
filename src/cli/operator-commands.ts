import { command } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { retry } from '#src/queue/enqueue.ts'
import type { JobRow } from '#src/queue/job.ts'
import { type Resumption, resumeModels } from '#src/queue/provider-limits.ts'
import type { Queue } from '#src/queue/queue.ts'

interface Action {
  job: Pick<JobRow, 'id' | 'kind'>
  now: number
}

/** Gives a job another chance, and records that an operator did. */
export const retryJob = command('operator.retry-job', function* (tx, action: Action) {
  const result = yield* retry.steps(tx, { id: action.job.id, now: action.now })
  if (result === 'retried') yield* audit.steps(tx, entry('job.retried', action))
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
    const lifted = yield* resumeModels.steps(tx, input)
    const { name, model, now } = input
    const by = { at: now, event: 'provider.resumed', userId: null, actor: 'operator' as const }
    if (lifted > 0) yield* audit.steps(tx, { ...by, detail: { provider: name, model, lifted } })
    return lifted
  },
)
