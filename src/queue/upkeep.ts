import { query } from '#src/database/steps.ts'
import { SECOND } from '#src/lib/time.ts'
import { setBack } from './recover.ts'
import type { WorkerDeps } from './run.ts'
import { findNewest, listExpired, listOverdue, listStopping } from './upkeep-statements.ts'

const expired = query('queue.expired', function* (tx, input: { until: number }) {
  return yield* tx.all(listExpired, input)
})

const overdue = query('queue.overdue', function* (tx, input: { now: number }) {
  return yield* tx.all(listOverdue, input)
})

const stopping = query('queue.stopping', function* (tx) {
  return yield* tx.all(listStopping, {})
})

/** The job that was added last; undefined where there is none. */
export const readNewest = query('queue.newest', function* (tx) {
  return yield* tx.first(findNewest, {})
})

/** What a worker looks after beside its own jobs, so that a lost wake-up or a dead worker is only a delay. */
export interface Upkeep {
  /** Recovers the jobs whose lease ended by then. */
  recover(leasesUntil: number): Promise<void>
  /** Fails the ready jobs that are out of time. */
  expire(): Promise<void>
  /** Running jobs that were asked to stop, perhaps by another process. */
  stopping(): Promise<number[]>
  /** Corrects what waits for an instant of a clock that was set back. */
  setBack(byMs: number): Promise<void>
  /** The same for a clock that was set back while no worker ran: a job of the future shows by how much at least. */
  setBackMeanwhile(): Promise<void>
}

export function createUpkeep({
  database,
  queue,
  clock,
  log,
}: Pick<WorkerDeps, 'database' | 'queue' | 'clock' | 'log'>): Upkeep {
  /** One command a job: one that throws must not hold up the others. */
  async function each(
    what: string,
    find: () => Promise<{ id: number }[]>,
    run: (id: number) => Promise<boolean>,
  ): Promise<void> {
    try {
      const found = await find()
      const runs = await Promise.allSettled(found.map(({ id }) => run(id)))
      for (const one of runs) {
        if (one.status === 'rejected') log.error({ err: one.reason }, `could not ${what} a job`)
      }
      const count = runs.filter((one) => one.status === 'fulfilled' && one.value).length
      if (count > 0) log.warn({ count, upkeep: what }, 'took care of jobs that no worker ran')
    } catch (error) {
      log.error({ err: error }, `could not look for jobs to ${what}`)
    }
  }

  async function setBackBy(byMs: number) {
    log.warn({ byMs }, 'the clock was set back')
    try {
      await database.run(setBack, { byMs, now: clock.now() })
    } catch (error) {
      log.error({ err: error }, 'could not correct what waits for the clock')
    }
  }

  return {
    recover: (leasesUntil) =>
      each(
        'recover',
        () => database.read(expired, { until: leasesUntil }),
        (id) => database.run(queue.commands.recover, { id, now: clock.now(), leasesUntil }),
      ),
    expire: () =>
      each(
        'expire',
        () => database.read(overdue, { now: clock.now() }),
        (id) => database.run(queue.commands.expire, { id, now: clock.now() }),
      ),
    stopping: async () => (await database.read(stopping, undefined)).map(({ id }) => id),
    async setBackMeanwhile() {
      const latest = await database.read(readNewest, undefined)
      const byMs = (latest?.createdAt ?? 0) - clock.now()
      if (byMs > SECOND) await setBackBy(byMs)
    },
    setBack: setBackBy,
  }
}
