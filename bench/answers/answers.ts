import { Database } from 'bun:sqlite'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL } from 'bun'
import { fillRooms } from '../http/fill.ts'
import { createRequests, EXPECTED } from '../http/requests.ts'
import { hasWrk, wrk } from '../http/wrk.ts'
import { createTimedGemini } from '../support/gemini.ts'
import { NO_PROTOTYPE, startPrototype } from '../support/prototype.ts'
import type { Report } from '../support/report.ts'
import { median, noise, round } from '../support/stats.ts'
import { createWorld } from '../support/world.ts'

const MESSAGES_PER_ROOM = 20
const CONNECTIONS = 32
/** Room for about ten exchanges of this bench, as many as the prototype's worker reads. */
const CONTEXT_TOKENS = '270'
const DEADLINE_MS = 180_000

/** Of the replies behind a key. */
interface Count {
  complete: number
  unfinished: number
  /** Final in another way. */
  others: number
  /** The highest key, 0 where there is none. */
  last: number
}

interface Contender {
  name: string
  url: string
  count(after: number): Promise<Count> | Count
}

interface Run {
  /** While the load lasted. */
  accepted: number
  /** From the first prompt until the last reply was final. */
  answered: number
}

/** Prompts accepted, and answered by a Gemini that takes no time, until none is left: the whole way, with both of the prototype's processes. */
export async function benchAnswers(quick: boolean): Promise<Report> {
  const head = [
    'an instant Gemini, a second',
    'prompts accepted meanwhile',
    'prompts answered',
    'Pollux against it',
    'noise',
  ]
  const skipped = (why: string): Report => {
    console.log(why)
    return { name: 'answers', figures: { skipped: why }, faults: [], table: { head, rows: [] } }
  }
  if (!hasWrk) return skipped('answers is skipped: wrk is not installed (Debian package wrk)')
  const gemini = createTimedGemini({ pieces: 1, everyMs: 0 })
  const folder = await mkdtemp(join(tmpdir(), 'pollux-bench-peers-'))
  const world = await createWorld({
    users: 50,
    roomsPerUser: 4,
    geminiUrl: gemini.url,
    settings: { CONTEXT_TOKENS },
    fill: (orm, users) => fillRooms(orm, users, MESSAGES_PER_ROOM),
  })
  const stops: (() => Promise<unknown>)[] = [
    () => world.stop(),
    () => gemini.stop(),
    () => rm(folder, { recursive: true, force: true }),
  ]
  try {
    const file = new Database(world.databasePath, { readonly: true })
    stops.unshift(async () => file.close())
    const contenders: Contender[] = [
      { name: 'Pollux', url: world.server.url, count: (after) => countOurs(file, after) },
    ]
    const prototype = await startPrototype({
      folder,
      users: world.users,
      messagesPerRoom: MESSAGES_PER_ROOM,
      geminiUrl: gemini.url,
    })
    if (prototype) {
      stops.unshift(() => prototype.stop())
      const sql = new SQL(prototype.database)
      stops.unshift(() => sql.close())
      const { url } = prototype
      contenders.push({ name: "prototype's stack", url, count: (after) => countTheirs(sql, after) })
    } else console.log(NO_PROTOTYPE)

    const requests = createRequests(world)['post'] ?? []
    const runs: Record<string, Run[]> = {}
    const faults: string[] = []
    // The first round warms up.
    for (let turn = 0; turn < (quick ? 1 : 4); turn++) {
      for (const contender of contenders) {
        const { run, faults: found } = await load(contender, requests, quick ? 1 : 2)
        faults.push(...found)
        if (quick || turn > 0) runs[contender.name] = [...(runs[contender.name] ?? []), run]
      }
    }
    const answered = (name: string) => (runs[name] ?? []).map((run) => run.answered)
    const rows = contenders.map(({ name }) => [
      name,
      Math.round(median((runs[name] ?? []).map((run) => run.accepted))),
      Math.round(median(answered(name))),
      `${round(median(answered('Pollux')) / median(answered(name)), 2)} ×`,
      `${Math.round(noise(answered(name)) * 100)} %`,
    ])
    return { name: 'answers', figures: runs, faults, table: { head, rows } }
  } finally {
    for (const stop of stops) await stop()
  }
}

async function load(
  { name, url, count }: Contender,
  requests: Parameters<typeof wrk>[1],
  seconds: number,
): Promise<{ run: Run; faults: string[] }> {
  const { last } = await count(0)
  const startedAt = performance.now()
  const run = await wrk(url, requests, {
    connections: CONNECTIONS,
    seconds,
    expected: EXPECTED.post,
  })
  let after = await count(last)
  while (after.unfinished > 0 && performance.now() < startedAt + DEADLINE_MS) {
    await Bun.sleep(50)
    after = await count(last)
  }
  const elapsed = (performance.now() - startedAt) / 1_000
  const { complete, unfinished, others } = after
  const told = run.statuses['202'] ?? 0
  const faults: string[] = []
  // What was under way when wrk stopped may be taken without its answer being read: so there may be more of them.
  if (complete < told || unfinished > 0 || others > 0)
    faults.push(`${name}: ${told} prompts told accepted, ${JSON.stringify(after)}`)
  if (told < run.requests || run.socketErrors > 0 || run.wrong > 0)
    faults.push(`${name}: ${JSON.stringify(run)}`)
  return { run: { accepted: run.perSecond, answered: complete / elapsed }, faults }
}

function countOurs(file: Database, after: number): Count {
  const count = file.query<Count, [number]>(`
    SELECT count(*) FILTER (WHERE status = 'complete') AS complete,
      count(*) FILTER (WHERE completed_at IS NULL) AS unfinished,
      count(*) FILTER (WHERE completed_at IS NOT NULL AND status <> 'complete') AS others, coalesce(max(key), 0) AS last
    FROM messages WHERE role = 'assistant' AND key > ?1`)
  return count.get(after) ?? { complete: 0, unfinished: 0, others: 0, last: 0 }
}

async function countTheirs(sql: SQL, after: number): Promise<Count> {
  const [row] = await sql`
    SELECT count(*) FILTER (WHERE status = 'complete')::int AS complete,
      count(*) FILTER (WHERE completed_at IS NULL)::int AS unfinished,
      count(*) FILTER (WHERE completed_at IS NOT NULL AND status <> 'complete')::int AS others,
      coalesce(max(key), 0)::int AS last
    FROM messages WHERE role = 'assistant' AND key > ${after}`
  // The columns of the statement above.
  return row as Count
}
