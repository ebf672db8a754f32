import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTimedGemini, type TimedGemini } from '../support/gemini.ts'
import { rawGet } from '../support/raw-get.ts'
import type { Report } from '../support/report.ts'
import { type Spread, spread } from '../support/stats.ts'
import { compileSyncShim, readNoted } from '../support/sync-shim.ts'
import { type BenchUser, createWorld, type World } from '../support/world.ts'
import { type Arrivals, type Follower, follow, noteArrivals } from './arrivals.ts'
import { type Asked, type Commits, commitsOf } from './commits.ts'

const PIECES = 20
const EVERY_MS = 50
/** Nobody reads the figures of the short form; that every piece arrives is asserted all the same. */
const QUICK_EVERY_MS = 10
/** Who takes turns where one room at a time is asked, so that none of them has a long history. */
const LONE_USERS = 4
/** The number a prompt carries is its room's times this plus its round. */
const ROUNDS_MAX = 1_000
const DEADLINE_MS = 15_000

/** Milliseconds, all as a client of the server sees them. */
interface Level {
  rooms: number
  /** From the prompt being sent to the provider being asked: the door, the commit and the pickup. */
  toProvider: Spread
  /** The same to the answer 202, which comes after the commit. */
  toAccepted: Spread
  /** The sync of the prompt's commit, and from its end to the provider's request; of an idle server alone. */
  commit?: Commits
  /** From the provider's first piece to the reader's first delta. */
  firstDelta: Spread
  /** The same for every piece. */
  delta: Spread
  /** What a piece takes from the provider to a reader with no server in between: the floor of this bench. */
  floor: Spread
  dropped: number
}

/** How long a prompt takes to the provider and a piece to the reader, with so many rooms at once. */
export async function benchLatency(quick: boolean): Promise<Report> {
  const levels: Level[] = []
  for (const rooms of quick ? [1, 16] : [1, 16, 200]) levels.push(await measure(rooms, quick))
  for (const { commit } of levels) {
    if (commit)
      console.log(`Commits of prompts found: ${commit.sync.count}, unclear: ${commit.unclear}`)
  }
  const cells = (one: Spread) => `${one.p50} / ${one.p99}`
  return {
    name: 'conversation-latency',
    figures: levels,
    faults: levels.flatMap(({ rooms, dropped }) =>
      dropped > 0 ? [`${dropped} replies at ${rooms} rooms were not whole`] : [],
    ),
    table: {
      head: [
        'rooms at once',
        'prompt sent → provider asked',
        'prompt sent → 202',
        'of it the sync of the commit',
        'pickup: commit → request sent',
        'commit → provider asked',
        'first piece → first delta',
        'each piece → its delta',
        'floor: piece with no server between',
      ],
      rows: levels.map((one) => [
        one.rooms,
        cells(one.toProvider),
        cells(one.toAccepted),
        one.commit ? cells(one.commit.sync) : '',
        one.commit ? cells(one.commit.sent) : '',
        one.commit ? cells(one.commit.asked) : '',
        cells(one.firstDelta),
        cells(one.delta),
        cells(one.floor),
      ]),
    },
  }
}

async function measure(rooms: number, quick: boolean): Promise<Level> {
  const gemini = createTimedGemini({ pieces: PIECES, everyMs: quick ? QUICK_EVERY_MS : EVERY_MS })
  const folder = await mkdtemp(join(tmpdir(), 'pollux-syncs-'))
  const syncLog = join(folder, 'syncs')
  // With more rooms than one a commit holds several prompts, and which of them it is cannot be told from outside.
  const shim = rooms === 1 ? compileSyncShim(folder) : { missing: '' }
  if ('missing' in shim && shim.missing) console.log(`Pickup is not measured: ${shim.missing}`)
  const world = await createWorld({
    users: rooms === 1 ? LONE_USERS : rooms,
    roomsPerUser: 1,
    geminiUrl: gemini.url,
    settings: {
      WORKER_CONCURRENCY: String(Math.max(16, rooms)),
      ...('path' in shim ? { LD_PRELOAD: shim.path, SYNC_LOG: syncLog } : {}),
    },
  })
  try {
    const samples = {
      toProvider: [],
      toAccepted: [],
      firstDelta: [],
      delta: [],
      asked: [],
    } as Samples
    let dropped = 0
    const numbered = world.users.map((user, at) => ({ user, at }))
    const readers = await Promise.all(world.users.map((user) => follow(world, user)))
    const rounds = quick ? 2 : rooms === 1 ? 25 : rooms === 16 ? 12 : 3
    // The first round is not counted: it compiles code and opens connections.
    for (let round = 0; round <= rounds; round++) {
      const kept = round === 0 ? undefined : samples
      for (const together of rooms === 1 ? numbered.map((one) => [one]) : [numbered]) {
        const whole = await Promise.all(
          together.map(({ user, at }) =>
            converse({
              world,
              gemini,
              user,
              number: at * ROUNDS_MAX + round,
              read: readers[at],
              kept,
            }),
          ),
        )
        dropped += whole.filter((isWhole) => !isWhole).length
      }
    }
    const floor = await measureFloor(gemini, rooms)
    for (const reader of readers) reader.close()
    const commit = 'path' in shim ? commitsOf(samples.asked, await readNoted(syncLog)) : undefined
    return {
      rooms,
      toProvider: spread(samples.toProvider),
      toAccepted: spread(samples.toAccepted),
      ...(commit ? { commit } : {}),
      firstDelta: spread(samples.firstDelta),
      delta: spread(samples.delta),
      floor,
      dropped,
    }
  } finally {
    await world.stop()
    await gemini.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

type Samples = Record<'toProvider' | 'toAccepted' | 'firstDelta' | 'delta', number[]> & {
  asked: Asked[]
}

async function converse(one: {
  world: World
  gemini: TimedGemini
  user: BenchUser
  number: number
  read: Follower | undefined
  kept: Samples | undefined
}): Promise<boolean> {
  const { world, gemini, user, number, read, kept } = one
  const sentAt = performance.now()
  const answer = await fetch(`${world.server.url}/v1/chatroom/${user.rooms[0]}/message`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${user.token}`,
      'content-type': 'application/json',
      'idempotency-key': `bench-${number}`,
    },
    body: JSON.stringify({ userPrompt: `«${number}»` }),
  })
  const acceptedAt = performance.now()
  await answer.body?.cancel()
  if (answer.status !== 202) return false
  const arrived = () => read?.arrivals.get(number)
  while (arrived()?.[PIECES - 1] === undefined) {
    if (performance.now() - sentAt > DEADLINE_MS) return false
    await Bun.sleep(10)
  }
  // Its end is written after its last piece; the next prompt of the room would otherwise wait for that.
  await Bun.sleep(50)
  const call = gemini.calls.get(number)
  const arrivals = arrived() ?? []
  if (
    !call ||
    call.sentAt.length !== PIECES ||
    call.sentAt.some((_, at) => arrivals[at] === undefined)
  )
    return false
  const delays = call.sentAt.map((at, piece) => (arrivals[piece] ?? Number.NaN) - at)
  kept?.toProvider.push(call.receivedAt - sentAt)
  kept?.asked.push({ sentAt, receivedAt: call.receivedAt })
  kept?.toAccepted.push(acceptedAt - sentAt)
  kept?.firstDelta.push(delays[0] ?? Number.NaN)
  kept?.delta.push(...delays)
  return true
}

/** The same number of readers straight at the provider. */
async function measureFloor(gemini: TimedGemini, rooms: number): Promise<Spread> {
  const first = 900 * ROUNDS_MAX
  const delays = await Promise.all(
    Array.from({ length: rooms }, async (_, at) => {
      const number = first + at
      const arrivals: Arrivals = new Map()
      const stream = await rawGet(`${gemini.url}/?prompt=${number}`, {}, noteArrivals(arrivals))
      await stream.status
      while (arrivals.get(number)?.[PIECES - 1] === undefined) await Bun.sleep(10)
      stream.close()
      const sentAt = gemini.calls.get(number)?.sentAt ?? []
      return sentAt.map((sent, piece) => (arrivals.get(number)?.[piece] ?? Number.NaN) - sent)
    }),
  )
  return spread(delays.flat())
}
