import { MAX_LOSSES } from '#src/queue/recover.ts'

export interface ModelJob {
  id: number
  concurrencyKey: string | null
  state: 'blocked' | 'ready' | 'running' | 'done' | 'failed' | 'cancelled'
  dueAt: number
  deadlineAt: number | null
  attempt: number
  errors: number
  losses: number
  leaseUntil: number | null
  isStopping: boolean
  dedupeKey: string | null
}

/** An attempt as its worker remembers it, perhaps long after it was lost. */
export interface ModelAttempt {
  id: number
  attempt: number
}

/** What the queue promises, as simply as it can be said: a list, and rules over it. No index, no SQL, no ranks. */
export function createQueueModel() {
  const jobs = new Map<number, ModelJob>()
  const list = () => [...jobs.values()]
  const isActive = ({ state }: ModelJob) => state === 'ready' || state === 'running'
  const hasEnded = ({ state }: ModelJob) => ['done', 'failed', 'cancelled'].includes(state)

  function end(job: ModelJob, state: ModelJob['state']) {
    const wasActive = isActive(job)
    Object.assign(job, { state, leaseUntil: null })
    if (!wasActive || job.concurrencyKey === null) return
    const next = list().find(
      ({ concurrencyKey, state }) => concurrencyKey === job.concurrencyKey && state === 'blocked',
    )
    if (next) next.state = 'ready'
  }

  function holds({ id, attempt }: ModelAttempt): ModelJob | undefined {
    const job = jobs.get(id)
    return job?.state === 'running' && job.attempt === attempt ? job : undefined
  }

  return {
    jobs,
    list,
    accepts: (dedupeKey: string | null) =>
      dedupeKey === null || !list().some((job) => job.dedupeKey === dedupeKey && !hasEnded(job)),
    enqueue(job: Pick<ModelJob, 'id' | 'concurrencyKey' | 'dueAt' | 'deadlineAt' | 'dedupeKey'>) {
      const isBusy =
        job.concurrencyKey !== null &&
        list().some((one) => one.concurrencyKey === job.concurrencyKey && !hasEnded(one))
      const fresh = { attempt: 0, errors: 0, losses: 0, leaseUntil: null, isStopping: false }
      jobs.set(job.id, { ...fresh, ...job, state: isBusy ? 'blocked' : 'ready' })
    },
    claimable: (now: number) =>
      list().filter(({ state, dueAt }) => state === 'ready' && dueAt <= now),
    claim(id: number, leaseUntil: number) {
      const job = jobs.get(id)
      if (job) Object.assign(job, { state: 'running', attempt: job.attempt + 1, leaseUntil })
    },
    heartbeat(claim: ModelAttempt, leaseUntil: number): 'kept' | 'stop' | 'lost' {
      const job = holds(claim)
      if (!job) return 'lost'
      job.leaseUntil = leaseUntil
      return job.isStopping ? 'stop' : 'kept'
    },
    finish(claim: ModelAttempt, state: 'done' | 'failed'): boolean {
      const job = holds(claim)
      if (job) end(job, state)
      return job !== undefined
    },
    retry(claim: ModelAttempt, dueAt: number, countsError: boolean): boolean {
      const job = holds(claim)
      if (!job) return false
      if (job.isStopping) end(job, 'cancelled')
      else {
        const errors = job.errors + (countsError ? 1 : 0)
        Object.assign(job, { state: 'ready', leaseUntil: null, dueAt, errors })
      }
      return true
    },
    cancel(id: number): 'cancelled' | 'stopping' | 'ended' {
      const job = jobs.get(id)
      if (!job || hasEnded(job)) return 'ended'
      if (job.state === 'running') {
        job.isStopping = true
        return 'stopping'
      }
      end(job, 'cancelled')
      return 'cancelled'
    },
    recover(now: number) {
      const lost = list().filter(({ leaseUntil }) => leaseUntil !== null && leaseUntil <= now)
      for (const job of lost) {
        if (job.isStopping) {
          job.losses++
          end(job, 'cancelled')
        } else if (
          ++job.losses >= MAX_LOSSES ||
          (job.deadlineAt !== null && job.deadlineAt <= now)
        ) {
          end(job, 'failed')
        } else Object.assign(job, { state: 'ready', leaseUntil: null, dueAt: now })
      }
      return lost.map(({ id }) => id)
    },
    /** Active jobs that are out of time; those they block follow in the next round. */
    expire(now: number) {
      const late = list().filter(
        ({ state, deadlineAt }) => state === 'ready' && deadlineAt !== null && deadlineAt <= now,
      )
      for (const job of late) end(job, 'failed')
      return late.map(({ id }) => id)
    },
  }
}
