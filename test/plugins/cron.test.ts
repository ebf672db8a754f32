import { describe, expect, test } from 'bun:test'
import { silentLog } from '#src/lib/log.ts'
import { createCron } from '#src/plugins/cron.ts'

interface Job {
  trigger(): Promise<void>
  isStopped(): boolean
  nextRun(): Date | null
}

/** The plugin's own jobs, as it keeps them in its store. */
function jobs(cron: ReturnType<typeof createCron>): Record<string, Job> {
  return (cron.plugin.store as unknown as { cron: Record<string, Job> }).cron
}

/** The only process. */
const always = async () => true

describe('createCron', () => {
  test('runs each task by its pattern, in the time zone of its own', () => {
    const run = async () => {}
    const cron = createCron(
      [
        { name: 'a', pattern: '0 0 * * *', timezone: 'Asia/Tokyo', run },
        { name: 'b', pattern: '0 0 * * *', run },
      ],
      silentLog,
      always,
    )
    const hourOf = (name: string) => jobs(cron)[name]?.nextRun()?.toISOString().slice(11, 16)
    expect(hourOf('a')).toBe('15:00')
    expect(hourOf('b')).toBe('00:00')
    return cron.stop()
  })

  test('really ticks, and not any more once stopped', async () => {
    const ticked = Promise.withResolvers<void>()
    const cron = createCron(
      [{ name: 'a', pattern: '* * * * * *', run: async () => ticked.resolve() }],
      silentLog,
      always,
    )
    await ticked.promise
    await cron.stop()
    expect(jobs(cron)['a']?.isStopped()).toBe(true)
    expect(jobs(cron)['a']?.nextRun()).toBeNull()
  })

  test('goes on after a run that failed, and says so', async () => {
    const errors: unknown[] = []
    const log = { ...silentLog, error: (fields: object) => errors.push(fields) }
    const cron = createCron(
      [
        {
          name: 'a',
          pattern: '0 0 1 1 *',
          run: async () => {
            throw new Error('no')
          },
        },
      ],
      log as unknown as typeof silentLog,
      always,
    )
    await jobs(cron)['a']?.trigger()
    expect(errors).toMatchObject([{ task: 'a' }])
    expect(jobs(cron)['a']?.isStopped()).toBe(false)
    await cron.stop()
  })

  test('tells the run under way to end when it stops', async () => {
    const lines: unknown[] = []
    const log = { ...silentLog, warn: (fields: object) => lines.push(fields) }
    const cron = createCron(
      [
        {
          name: 'a',
          pattern: '0 0 1 1 *',
          run: (signal) =>
            new Promise((_, reject) =>
              signal.addEventListener('abort', () => reject(signal.reason)),
            ),
        },
      ],
      log as unknown as typeof silentLog,
      always,
    )
    const run = jobs(cron)['a']?.trigger()
    await cron.stop()
    await run
    expect(lines).toEqual([{ task: 'a' }])
  })

  test('runs a task only where it is claimed, unless it runs everywhere', async () => {
    const ran: string[] = []
    const asked: string[] = []
    const task = (name: string) => ({
      name,
      pattern: '0 0 1 1 *',
      run: async () => ran.push(name),
    })
    const cron = createCron(
      [task('mine'), task('theirs'), { ...task('local'), everywhere: true }],
      silentLog,
      async (name) => {
        asked.push(name)
        return name === 'mine'
      },
    )
    for (const name of ['mine', 'theirs', 'local']) await jobs(cron)[name]?.trigger()
    expect(ran).toEqual(['mine', 'local'])
    expect(asked).toEqual(['mine', 'theirs'])
    await cron.stop()
  })

  test('waits for the run under way when it stops', async () => {
    const release = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    let ended = false
    const cron = createCron(
      [
        {
          name: 'a',
          pattern: '0 0 1 1 *',
          async run() {
            begun.resolve()
            await release.promise
            ended = true
          },
        },
      ],
      silentLog,
      always,
    )
    const run = jobs(cron)['a']?.trigger()
    await begun.promise
    const stopped = cron.stop()
    release.resolve()
    await stopped
    expect(ended).toBe(true)
    await run
  })
})
