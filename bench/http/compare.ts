/**
 * `bun bench/http/compare.ts <folder of another checkout> [routes] [pairs]` measures the servers of both checkouts and prints the ratios of this one to
 * the other: requests a second, p99 and CPU time of a request, as medians of the pairs. Routes are names of `requests.ts`, separated by commas. Both servers run all the time and are
 * loaded in turn for two seconds each, so that a change in the speed of the machine meets both. The other checkout needs its packages installed.
 */
import { join } from 'node:path'
import { cpuSeconds } from '../support/machine.ts'
import { median } from '../support/stats.ts'
import { type createRequests, EXPECTED } from './requests.ts'
import type { createHttpWorld } from './world.ts'
import { type WrkRequest, wrk } from './wrk.ts'

const SECONDS = 2
/** What the burst before has left to do, such as search terms to index, is done by then. */
const PAUSE_MS = 300

const [other, routes = 'post', pairs = '9'] = Bun.argv.slice(2)
if (!other) throw new Error('Name the folder of another checkout')
for (const route of routes.split(',')) await compare(other, route)

interface Contender {
  url: string
  pid: number
  requests: WrkRequest[]
  stop(): Promise<void>
}

async function compare(folder: string, route: string): Promise<void> {
  const old = await start(folder, route)
  const now = await start(join(import.meta.dir, '../..'), route)
  try {
    for (const contender of [old, now]) await burst(contender, route)
    const rounds = []
    for (let pair = 0; pair < Number(pairs); pair++) {
      // Neither always comes second.
      const first = pair % 2 === 0 ? old : now
      const one = await burst(first, route)
      const two = await burst(first === old ? now : old, route)
      const [before, after] = first === old ? [one, two] : [two, one]
      rounds.push({
        'per second': after.perSecond / before.perSecond,
        p99: after.p99Ms / before.p99Ms,
        'CPU time': after.cpuMicros / before.cpuMicros,
      })
    }
    for (const name of ['per second', 'p99', 'CPU time'] as const) {
      const ratios = rounds.map((round) => round[name]).sort((a, b) => a - b)
      const listed = ratios.map((ratio) => ratio.toFixed(2)).join(', ')
      console.log(`${route}, ${name}: ${median(ratios).toFixed(2)} × (${listed})`)
    }
  } finally {
    await old.stop()
    await now.stop()
  }
}

async function start(folder: string, route: string): Promise<Contender> {
  // The modules of this checkout; those of another one have the same shape.
  const { createHttpWorld: create } = (await import(join(folder, 'bench/http/world.ts'))) as {
    createHttpWorld: typeof createHttpWorld
  }
  const requestsOf = (await import(join(folder, 'bench/http/requests.ts'))) as {
    createRequests: typeof createRequests
  }
  const world = await create([process.execPath, join(folder, 'src/main.ts')])
  const requests = requestsOf.createRequests(world)[route]
  if (!requests) throw new Error(`There is no request '${route}'`)
  return { url: world.server.url, pid: world.server.pid, requests, stop: world.stop }
}

async function burst({ url, pid, requests }: Contender, route: string) {
  await Bun.sleep(PAUSE_MS)
  const expected = Object.entries(EXPECTED).find(([name]) => name === route)?.[1] ?? EXPECTED.live
  const before = cpuSeconds(pid)
  const run = await wrk(url, requests, { connections: 32, seconds: SECONDS, expected })
  return { ...run, cpuMicros: ((cpuSeconds(pid) - before) / run.requests) * 1e6 }
}
