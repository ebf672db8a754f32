import { SECOND } from '#src/lib/time.ts'
import type { WorkerDeps } from './deps.ts'
import { setBack } from './set-back.ts'
import { EXPIRED, NEWEST, OVERDUE, STOPPING } from './sql.ts'

/** What a worker looks after beside its own jobs, so that a lost wake-up or a dead worker is only a delay. */
export interface Sweep {
  /** Takes back the jobs whose lease ended by then. */
  rescue(leasesUntil: number): Promise<void>
  /** Fails the heads of lanes that are out of time. */
  expire(): Promise<void>
  /** Running jobs that were asked to stop, perhaps by another process. */
  stopping(): number[]
  /** Moves along what waits for an instant of a clock that was set back. */
  setBack(byMs: number): Promise<void>
  /** The same for one that was set back while nobody ran: a job of the future tells by how much at least. */
  setBackMeanwhile(): Promise<void>
}

export function createSweep({ database, queue, clock, log }: Omit<WorkerDeps, 'random'>): Sweep {
  const expired = database.sqlite.query<{ id: number }, [number]>(EXPIRED)
  const overdue = database.sqlite.query<{ id: number }, [number]>(OVERDUE)
  const newest = database.sqlite.query<{ at: number }, []>(NEWEST)
  const stopping = database.sqlite.query<{ id: number }, []>(STOPPING)

  /** One command a job: one that throws must not hold up the others. */
  async function each(
    what: string,
    find: () => { id: number }[],
    run: (id: number) => Promise<boolean>,
  ): Promise<void> {
    try {
      const runs = await Promise.allSettled(find().map(({ id }) => run(id)))
      for (const one of runs) {
        if (one.status === 'rejected') log.error({ err: one.reason }, `could not ${what} a job`)
      }
      const count = runs.filter((one) => one.status === 'fulfilled' && one.value).length
      if (count > 0) log.warn({ count, sweep: what }, 'jobs without a worker were taken care of')
    } catch (error) {
      log.error({ err: error }, `could not look for jobs to ${what}`)
    }
  }

  async function setBackBy(byMs: number) {
    log.warn({ byMs }, 'the clock was set back')
    try {
      await database.execute(setBack, { byMs, now: clock.now() })
    } catch (error) {
      log.error({ err: error }, 'could not move what waits for the clock')
    }
  }

  return {
    rescue: (leasesUntil) =>
      each(
        'rescue',
        () => expired.all(leasesUntil),
        (id) => database.execute(queue.commands.rescue, { id, now: clock.now(), leasesUntil }),
      ),
    expire: () =>
      each(
        'expire',
        () => overdue.all(clock.now()),
        (id) => database.execute(queue.commands.expire, { id, now: clock.now() }),
      ),
    stopping: () => stopping.all().map(({ id }) => id),
    async setBackMeanwhile() {
      const byMs = (newest.get()?.at ?? 0) - clock.now()
      if (byMs > SECOND) await setBackBy(byMs)
    },
    setBack: setBackBy,
  }
}
