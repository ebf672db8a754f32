import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from '../support/report.ts'
import { isInstalled, startPostgres, startRedis } from '../support/servers.ts'
import { median, noise, round } from '../support/stats.ts'

interface Contender {
  name: string
  durability: string
  script: string
  /** Slower ones get fewer jobs, so that each run lasts about as long. */
  jobs: number
  needs?: 'redis' | 'postgres'
  /** What has to be installed in bench/. */
  package?: string
}

const SYNCED = 'each commit synced'
const OURS = 'Pollux (lanes, owners, fence)'
const contenders: Contender[] = [
  { name: OURS, durability: SYNCED, script: 'queue/pollux.ts', jobs: 25_000 },
  {
    name: 'raw bun:sqlite, coalesced commits',
    durability: SYNCED,
    script: 'queue/raw.ts',
    jobs: 200_000,
  },
  {
    name: 'BullMQ on Redis',
    durability: 'synced once a second',
    script: 'peers/queue-bullmq.ts',
    package: 'bullmq',
    jobs: 6_000,
    needs: 'redis',
  },
  {
    name: 'pg-boss on PostgreSQL',
    durability: SYNCED,
    script: 'peers/queue-pg-boss.ts',
    package: 'pg-boss',
    jobs: 1_500,
    needs: 'postgres',
  },
  {
    name: 'plainjob',
    durability: 'synced at checkpoints (NORMAL)',
    script: 'peers/queue-plainjob.ts',
    package: 'plainjob',
    jobs: 6_000,
  },
  {
    name: 'bunqueue, durable adds',
    durability: 'each add synced',
    script: 'peers/queue-bunqueue.ts',
    package: 'bunqueue',
    jobs: 2_000,
  },
]

/** No-op jobs a second, added one by one and worked in the same process; in turn, medians of several runs. */
export async function benchQueue(quick: boolean): Promise<Report> {
  const faults: string[] = []
  const results = new Map<string, number[]>()
  const servers = { redis: await startRedis(), postgres: await startPostgres() }
  try {
    for (let turn = 0; turn < (quick ? 1 : 3); turn++) {
      for (const one of contenders) {
        if (one.package !== undefined && !isInstalled(one.package)) {
          if (turn === 0)
            console.log(`${one.name} is skipped: \`bun install\` was not run in bench/`)
          continue
        }
        const port = one.needs === undefined ? 0 : servers[one.needs]?.port
        if (port === undefined) {
          if (turn === 0) console.log(`${one.name} is skipped: its Debian package is not installed`)
          continue
        }
        const jobs = quick ? Math.ceil(one.jobs / 10) : one.jobs
        const { done, perSecond } = await run(one.script, jobs, port)
        if (done !== jobs) faults.push(`${one.name}: ${done} of ${jobs} jobs were done`)
        results.set(one.name, [...(results.get(one.name) ?? []), perSecond])
      }
    }
  } finally {
    await servers.redis?.stop()
    await servers.postgres?.stop()
  }
  const ours = median(results.get(OURS) ?? [])
  const rows = contenders.flatMap(({ name, durability }) => {
    const runs = results.get(name)
    if (!runs) return []
    const perSecond = median(runs)
    const ratio = `${round(ours / perSecond, 2)} ×`
    return [[name, durability, Math.round(perSecond), ratio, `${Math.round(noise(runs) * 100)} %`]]
  })
  const head = ['queue', 'durability', 'jobs a second', 'Pollux against it', 'noise']
  return { name: 'queue', figures: Object.fromEntries(results), faults, table: { head, rows } }
}

async function run(script: string, jobs: number, port: number) {
  const folder = await mkdtemp(join(tmpdir(), 'pollux-bench-queue-'))
  try {
    const child = Bun.spawn(
      [process.execPath, `${import.meta.dir}/../${script}`, folder, String(jobs), String(port)],
      { stdout: 'pipe', stderr: 'inherit' },
    )
    const output = await new Response(child.stdout).text()
    const line = /^RESULT (.*)$/m.exec(output)?.[1]
    if (line === undefined) throw new Error(`${script} gave no result:\n${output}`)
    // Written by queue-contest.ts.
    return JSON.parse(line) as { done: number; perSecond: number }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
