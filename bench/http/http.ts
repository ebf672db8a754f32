import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServerProcess, startServer } from '../../test/support/server.ts'
import { plot } from '../support/plot.ts'
import { NO_PROTOTYPE, startPrototype } from '../support/prototype.ts'
import type { Report } from '../support/report.ts'
import { median, noise, round } from '../support/stats.ts'
import { type BenchUser, JWT_SECRET } from '../support/world.ts'
import { createBareData } from './bare-data.ts'
import { createRequests, EXPECTED } from './requests.ts'
import { createHttpWorld, MESSAGES_PER_ROOM } from './world.ts'
import { hasWrk, type WrkRun, wrk } from './wrk.ts'

const CONNECTIONS = 32
/** Many short ones in turn: a machine that others share is slow for seconds on end. */
const ROUNDS = 7
/** Code is compiled, and what only long load brings, such as our writer's thread, is there. */
const WARM_SECONDS = 4
const ROUTES = {
  live: 'hello world (`GET /livez`)',
  me: '`GET /v1/user/me`',
  rooms: '`GET /v1/chatroom`',
  latest: '`GET …/message` (latest)',
  page: '`GET …/message/all` (page of 50)',
  post: '`POST …/message`, durable',
  postRandom: 'the same, its key random instead of a UUIDv7',
  postKeyless: 'the same without a key',
}

const QUICK_ROUTES = ['me', 'page', 'post'] as const

/** Keys of an object as its type has them. */
const routesOf = (labels: typeof ROUTES) => Object.keys(labels) as (keyof typeof ROUTES)[]

interface Contender {
  name: 'Pollux' | 'bare program' | "prototype's stack"
  url: string
}

/** Requests a second of the hot routes, each contender in turn, medians of several short runs. */
export async function benchHttp(quick: boolean): Promise<Report> {
  if (!hasWrk) return skipped('wrk is not installed (Debian package wrk)')
  const world = await createHttpWorld()
  const folder = await mkdtemp(join(tmpdir(), 'pollux-bench-peers-'))
  const stops: (() => Promise<unknown>)[] = [
    () => world.stop(),
    () => rm(folder, { recursive: true, force: true }),
  ]
  const faults: string[] = []
  try {
    const contenders: Contender[] = [{ name: 'Pollux', url: world.server.url }]
    const bare = await startBare(folder, world.users)
    stops.unshift(() => bare.stop('SIGKILL'))
    contenders.push({ name: 'bare program', url: bare.url })
    const prototype = await startPrototype({
      folder,
      users: world.users,
      messagesPerRoom: MESSAGES_PER_ROOM,
    })
    if (prototype) {
      stops.unshift(() => prototype.stop())
      contenders.push({ name: "prototype's stack", url: prototype.url })
    } else console.log(NO_PROTOTYPE)

    const requests = createRequests(world)
    const runs: Record<string, Record<string, number[]>> = {}
    for (const route of quick ? QUICK_ROUTES : routesOf(ROUTES)) {
      const expected = EXPECTED[route]
      for (const { url } of quick ? [] : contenders) {
        await wrk(url, requests[route] ?? [], {
          connections: CONNECTIONS,
          seconds: WARM_SECONDS,
          expected,
        })
      }
      for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
        for (const { name, url } of contenders) {
          const load = { connections: CONNECTIONS, seconds: 1, expected }
          const run = await wrk(url, requests[route] ?? [], load)
          faults.push(...faultsOf(name, route, run))
          const ofRoute = runs[route] ?? {}
          runs[route] = { ...ofRoute, [name]: [...(ofRoute[name] ?? []), run.perSecond] }
        }
      }
    }
    const curve = quick ? {} : await throughputCurve(contenders, requests['latest'] ?? [])
    return {
      ...toReport(contenders, runs),
      faults,
      ...(quick
        ? {}
        : {
            plots: {
              'throughput.svg': plot(curve, {
                x: 'connections',
                y: 'GET latest, requests a second',
              }),
            },
          }),
    }
  } finally {
    for (const stop of stops) await stop()
  }
}

async function throughputCurve(contenders: Contender[], requests: Parameters<typeof wrk>[1]) {
  const curve: Record<string, { x: number; y: number }[]> = {}
  for (const connections of [1, 4, 16, 64, 256]) {
    for (const { name, url } of contenders) {
      const { perSecond } = await wrk(url, requests, {
        connections,
        seconds: 2,
        expected: EXPECTED.latest,
      })
      curve[name] = [...(curve[name] ?? []), { x: connections, y: perSecond }]
    }
  }
  return curve
}

function faultsOf(name: string, route: string, run: WrkRun): string[] {
  const wanted = route.startsWith('post') ? '202' : '200'
  const others = Object.keys(run.statuses).filter((status) => status !== wanted)
  const found = others.map(
    (status) => `${name} ${route}: ${run.statuses[status]} answers ${status}`,
  )
  if (run.socketErrors > 0) found.push(`${name} ${route}: ${run.socketErrors} socket errors`)
  if (run.wrong > 0 || run.sampled === 0)
    found.push(`${name} ${route}: ${run.wrong} of ${run.sampled} sampled bodies were wrong`)
  return found
}

function toReport(contenders: Contender[], runs: Record<string, Record<string, number[]>>) {
  const names = contenders.map(({ name }) => name)
  const measured = Object.entries(ROUTES).filter(([route]) => route in runs)
  const rows = measured.map(([route, label]) => {
    const of = (name: string) => median(runs[route]?.[name] ?? [])
    const ratio = (name: string) =>
      names.some((one) => one === name) ? `${round(of('Pollux') / of(name), 2)} ×` : 'skipped'
    const noises = Object.values(runs[route] ?? {}).map(noise)
    return [
      label,
      ...names.map((name) => Math.round(of(name))),
      ratio('bare program'),
      ratio("prototype's stack"),
      `${Math.round(Math.max(...noises) * 100)} %`,
    ]
  })
  return {
    name: 'http',
    figures: runs,
    table: {
      head: ['requests a second', ...names, 'against bare', 'against the prototype', 'noise'],
      rows,
    },
  }
}

function skipped(why: string): Report {
  console.log(`http is skipped: ${why}`)
  return {
    name: 'http',
    figures: { skipped: why },
    faults: [],
    table: { head: ['skipped'], rows: [[why]] },
  }
}

async function startBare(folder: string, users: BenchUser[]): Promise<ServerProcess> {
  const path = join(folder, 'bare.db')
  createBareData(path, users, MESSAGES_PER_ROOM)
  return await startServer({
    command: [process.execPath, `${import.meta.dir}/../peers/bare.ts`, path, JWT_SECRET],
    environment: { NODE_ENV: 'production' },
  })
}
