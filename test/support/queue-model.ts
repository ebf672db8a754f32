import { MAX_LOSSES } from '#src/queue/rescue.ts'

export interface ModelJob {
  id: number
  lane: string | null
  state: 'parked' | 'ready' | 'running' | 'done' | 'failed' | 'cancelled'
  dueAt: number
  deadlineAt: number | null
  claims: number
  errors: number
  losses: number
  leaseUntil: number | null
  isStopping: boolean
  dedupeKey: string | null
}

/** A claim as its worker remembers it, perhaps long after it was lost. */
export interface ModelClaim {
  id: number
  claims: number
}

/** What the queue promises, as simply as it can be said: a list, and rules over it. No index, no SQL, no turns. */
export function createQueueModel() {
  const jobs = new Map<number, ModelJob>()
  const list = () => [...jobs.values()]
  const isActive = ({ state }: ModelJob) => state === 'ready' || state === 'running'
  const hasEnded = ({ state }: ModelJob) => ['done', 'failed', 'cancelled'].includes(state)

  function end(job: ModelJob, state: ModelJob['state']) {
    const wasActive = isActive(job)
    Object.assign(job, { state, leaseUntil: null })
    if (!wasActive || job.lane === null) return
    const next = list().find(({ lane, state }) => lane === job.lane && state === 'parked')
    if (next) next.state = 'ready'
  }

  function holds({ id, claims }: ModelClaim): ModelJob | undefined {
    const job = jobs.get(id)
    return job?.state === 'running' && job.claims === claims ? job : undefined
  }

  return {
    jobs,
    list,
    accepts: (dedupeKey: string | null) =>
      dedupeKey === null || !list().some((job) => job.dedupeKey === dedupeKey && !hasEnded(job)),
    enqueue(job: Pick<ModelJob, 'id' | 'lane' | 'dueAt' | 'deadlineAt' | 'dedupeKey'>) {
      const isBusy =
        job.lane !== null && list().some((one) => one.lane === job.lane && !hasEnded(one))
      const fresh = { claims: 0, errors: 0, losses: 0, leaseUntil: null, isStopping: false }
      jobs.set(job.id, { ...fresh, ...job, state: isBusy ? 'parked' : 'ready' })
    },
    claimable: (now: number) =>
      list().filter(({ state, dueAt }) => state === 'ready' && dueAt <= now),
    claim(id: number, leaseUntil: number) {
      const job = jobs.get(id)
      if (job) Object.assign(job, { state: 'running', claims: job.claims + 1, leaseUntil })
    },
    heartbeat(claim: ModelClaim, leaseUntil: number): 'kept' | 'stop' | 'lost' {
      const job = holds(claim)
      if (!job) return 'lost'
      job.leaseUntil = leaseUntil
      return job.isStopping ? 'stop' : 'kept'
    },
    finish(claim: ModelClaim, state: 'done' | 'failed'): boolean {
      const job = holds(claim)
      if (job) end(job, state)
      return job !== undefined
    },
    retry(claim: ModelClaim, dueAt: number, countsError: boolean): boolean {
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
    rescue(now: number) {
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
    /** The heads that are out of time; those behind them have their turn in the next round. */
    expire(now: number) {
      const late = list().filter(
        ({ state, deadlineAt }) => state === 'ready' && deadlineAt !== null && deadlineAt <= now,
      )
      for (const job of late) end(job, 'failed')
      return late.map(({ id }) => id)
    },
  }
}
