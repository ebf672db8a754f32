import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTimedGemini } from '../support/gemini.ts'
import type { Report } from '../support/report.ts'
import { type Spread, spread } from '../support/stats.ts'
import { compileSyncShim } from '../support/sync-shim.ts'
import { createWorld, type World } from '../support/world.ts'

const POSTS_A_SECOND = 500
const GETS_A_SECOND = 100
const WARM_UP_SECONDS = 5
const PROMPT = '{"userPrompt":"What should I pack for Bergen in November?"}'

interface Run {
  get: Spread
  post: Spread
  faults: string[]
}

/** What a reader waits while writers keep a slow disk busy: every sync delayed by a shim that is compiled here. */
export async function benchSlowDisk(quick: boolean): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'pollux-slow-disk-'))
  try {
    const shim = compileSyncShim(folder)
    if ('missing' in shim) return skipped(shim.missing)
    const seconds = quick ? 1 : 10
    const runs: Record<string, Run> = {}
    for (const delayMs of quick ? [5] : [0, 1, 5, 10]) {
      runs[String(delayMs)] = await run(shim.path, delayMs, seconds, quick)
    }
    const cells = (of: Spread) => `${of.p50} / ${of.p99} / ${of.max}`
    return {
      name: 'slow-disk',
      figures: runs,
      faults: Object.values(runs).flatMap(({ faults }) => faults),
      table: {
        head: ['a sync takes longer by', 'GET me: p50 / p99 / most, ms', 'POST message', 'POSTs'],
        rows: Object.entries(runs).map(([delay, { get, post }]) => [
          `${delay} ms`,
          cells(get),
          cells(post),
          post.count,
        ]),
      },
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function run(shim: string, delayMs: number, seconds: number, quick: boolean): Promise<Run> {
  const gemini = createTimedGemini({ pieces: 1, everyMs: 0 })
  const world = await createWorld({
    users: 50,
    roomsPerUser: 4,
    geminiUrl: gemini.url,
    // The replies wait: what is measured is the door.
    settings: { PROVIDER_RPM: '1', LD_PRELOAD: shim, SLOW_SYNC_MS: String(delayMs) },
  })
  try {
    // Until the server has its commits made by a thread of their own, as it does after two seconds of such a load.
    await load(world, quick ? 1 : WARM_UP_SECONDS)
    return await load(world, seconds)
  } finally {
    await world.stop()
    await gemini.stop()
  }
}

/** Requests at a fixed rate, whether or not earlier ones are answered: a server that falls behind shows it. */
async function load({ server, users }: World, seconds: number): Promise<Run> {
  const faults: string[] = []
  const took = { get: [] as number[], post: [] as number[] }
  const under: Promise<void>[] = []
  const startedAt = performance.now()
  const sent = { get: 0, post: 0 }

  async function ask(kind: 'get' | 'post', number: number, dueAt: number) {
    const user = users[number % users.length]
    const room = user?.rooms[number % user.rooms.length]
    const headers = { authorization: `Bearer ${user?.token}`, 'content-type': 'application/json' }
    const answer =
      kind === 'get'
        ? await fetch(`${server.url}/v1/user/me`, { headers })
        : await fetch(`${server.url}/v1/chatroom/${room}/message`, {
            method: 'POST',
            headers,
            body: PROMPT,
          })
    await answer.arrayBuffer()
    took[kind].push(performance.now() - dueAt)
    if (answer.status !== (kind === 'get' ? 200 : 202)) faults.push(`${kind}: ${answer.status}`)
  }

  for (;;) {
    const now = performance.now() - startedAt
    if (now > seconds * 1_000) break
    for (const [kind, rate] of [
      ['post', POSTS_A_SECOND],
      ['get', GETS_A_SECOND],
    ] as const) {
      while (sent[kind] < (now / 1_000) * rate) {
        under.push(ask(kind, sent[kind]++, performance.now()))
      }
    }
    await Bun.sleep(1)
  }
  await Promise.all(under)
  return { get: spread(took.get), post: spread(took.post), faults: faults.slice(0, 10) }
}

function skipped(why: string): Report {
  console.log(`slow-disk is skipped: ${why}`)
  const table = { head: ['skipped'], rows: [[why]] }
  return { name: 'slow-disk', figures: { skipped: why }, faults: [], table }
}
