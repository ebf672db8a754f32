import { cron } from '@elysiajs/cron'
import { Elysia } from 'elysia'
import type { Log } from '#src/lib/log.ts'
import type { Maintenance } from '#src/lib/maintenance.ts'

/**
 * Runs each task by its pattern. `@elysiajs/cron` starts ticking when it is mounted and goes on after
 * `app.stop()`, so serve mounts this beside the application and calls `stop`, which also waits for the
 * runs under way, having told them by their signal.
 */
export function createCron(
  tasks: readonly Maintenance[],
  log: Log,
  /** Whether this process is to run a task now; asked for tasks that do not run everywhere. */
  claim: (task: string) => Promise<boolean>,
) {
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  const plugin = new Elysia({ name: 'cron' })
  for (const { name, pattern, timezone = 'UTC', everywhere = false, run } of tasks) {
    const runHere = async (signal: AbortSignal) => {
      if (!everywhere && !(await claim(name))) return 'another process runs it'
      signal.throwIfAborted()
      return await run(signal)
    }
    plugin.use(
      cron({
        name,
        pattern,
        // An offset needs no time zones loaded.
        ...(timezone === 'UTC' ? { utcOffset: 0 } : { timezone }),
        // A run longer than its period is not started a second time.
        protect: true,
        run() {
          const one = attempt(name, runHere, stopping.signal, log).finally(() =>
            running.delete(one),
          )
          running.add(one)
          return one
        },
      }),
    )
  }
  return {
    plugin,
    async stop(): Promise<void> {
      for (const job of Object.values(jobsOf(plugin.store))) job.stop()
      stopping.abort()
      await Promise.all(running)
    },
  }
}

async function attempt(
  name: string,
  run: Maintenance['run'],
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  try {
    const result = await run(signal)
    log.debug({ task: name, result }, 'maintenance done')
  } catch (error) {
    if (signal.aborted) log.warn({ task: name }, 'maintenance given up, as the server stops')
    else log.error({ err: error, task: name }, 'maintenance failed')
  }
}

/** The plugin keeps its jobs in the store, under the names it was given in a loop TypeScript cannot see. */
function jobsOf(store: object): Record<string, { stop(): void }> {
  return 'cron' in store ? (store.cron as Record<string, { stop(): void }>) : {}
}
