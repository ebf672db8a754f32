import { createTimedGemini } from '../support/gemini.ts'
import { residentMb, writtenMb } from '../support/machine.ts'
import { type RawGet, rawGet } from '../support/raw-get.ts'
import type { Report } from '../support/report.ts'
import { round } from '../support/stats.ts'
import { createWorld, type World } from '../support/world.ts'

/** Characters of a reply whose readers stopped reading: far more than socket buffers take. */
const REPLY_PIECES = 64
const PIECE_SIZE = 8_192

interface Reading {
  what: string
  mb: number
  aboveIdle: number
  /** To the disk. */
  writtenMb?: number
}

/** Resident memory with idle readers, and with streams that nobody reads. */
export async function benchMemory(quick: boolean): Promise<Report> {
  const faults: string[] = []
  const readings: Reading[] = []
  const settleMs = quick ? 300 : 3_000
  for (const [count, isPaused] of [
    [quick ? 20 : 200, false],
    [quick ? 20 : 200, true],
  ] as const) {
    readings.push(
      ...(await streamTo({ count, isPaused, settleMs, everyMs: quick ? 5 : 30 }, faults)),
    )
  }
  readings.unshift(...(await idleReaders(quick ? [200] : [1_000, 5_000], settleMs, faults)))
  return {
    name: 'conversation-memory',
    figures: readings,
    faults,
    table: {
      head: ['', 'resident MB', 'above idle MB', 'written MB'],
      rows: readings.map(({ what, mb, aboveIdle, writtenMb }) => [
        what,
        mb,
        aboveIdle,
        writtenMb ?? '',
      ]),
    },
  }
}

async function idleReaders(
  counts: number[],
  settleMs: number,
  faults: string[],
): Promise<Reading[]> {
  const gemini = createTimedGemini({ pieces: 1, everyMs: 0 })
  const world = await createWorld({ users: 500, roomsPerUser: 10, geminiUrl: gemini.url })
  try {
    const idle = await settled(world, settleMs)
    const readings: Reading[] = [{ what: 'idle, 0 readers', mb: idle, aboveIdle: 0 }]
    const streams: RawGet[] = []
    for (const count of counts) {
      while (streams.length < count) {
        const next = Array.from({ length: 50 }, (_, at) => open(world, streams.length + at))
        const opened = await Promise.all(next)
        const statuses = await Promise.all(opened.map(({ status }) => status))
        if (statuses.some((status) => status !== 200)) faults.push(`a stream answered ${statuses}`)
        streams.push(...opened)
      }
      const mb = await settled(world, settleMs)
      readings.push({ what: `${count} idle readers`, mb, aboveIdle: round(mb - idle, 1) })
    }
    for (const stream of streams) stream.close()
    return readings
  } finally {
    await world.stop()
    await gemini.stop()
  }
}

/** So many replies of half a megabyte at once, each with a reader that reads or one that stopped reading. */
async function streamTo(
  {
    count,
    isPaused,
    settleMs,
    everyMs,
  }: { count: number; isPaused: boolean; settleMs: number; everyMs: number },
  faults: string[],
): Promise<Reading[]> {
  const gemini = createTimedGemini({ pieces: REPLY_PIECES, everyMs, size: PIECE_SIZE })
  const world = await createWorld({
    users: count,
    roomsPerUser: 1,
    geminiUrl: gemini.url,
    settings: { WORKER_CONCURRENCY: String(count) },
  })
  try {
    const idle = await settled(world, settleMs)
    const streams = await Promise.all(world.users.map((_, at) => open(world, at)))
    await Promise.all(streams.map(({ status }) => status))
    if (isPaused) for (const stream of streams) stream.pause()
    let highest = 0
    const writtenBefore = writtenMb(world.server.pid)
    const watch = setInterval(() => {
      highest = Math.max(highest, residentMb(world.server.pid))
    }, 100)
    const answers = await Promise.all(
      world.users.map(({ token, rooms }, at) =>
        fetch(`${world.server.url}/v1/chatroom/${rooms[0]}/message`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ userPrompt: `«${at}»` }),
        }),
      ),
    )
    const replies = await Promise.all(
      answers.map(async (answer, at) => {
        const location = `${world.server.url}${answer.headers.get('location')}?wait=25`
        const headers = { authorization: `Bearer ${world.users[at]?.token}` }
        // Each answer is one of ours; only its status matters here.
        return (await (await fetch(location, { headers })).json()) as {
          status?: string
          content?: string
        }
      }),
    )
    clearInterval(watch)
    const written = round(writtenMb(world.server.pid) - writtenBefore, 1)
    const whole = replies.filter(
      ({ status, content }) =>
        status === 'complete' && content?.length === REPLY_PIECES * PIECE_SIZE,
    )
    if (whole.length < count)
      faults.push(`${count - whole.length} of ${count} replies were not whole`)
    const after = await settled(world, settleMs)
    for (const stream of streams) stream.close()
    const who = isPaused ? 'readers that stopped reading' : 'readers that read'
    return [
      {
        what: `${count} streams of 0.5 MB, ${who}: highest`,
        mb: round(highest, 1),
        aboveIdle: round(highest - idle, 1),
        writtenMb: written,
      },
      { what: `the same, when all are final`, mb: after, aboveIdle: round(after - idle, 1) },
    ]
  } finally {
    await world.stop()
    await gemini.stop()
  }
}

function open(world: World, at: number): Promise<RawGet> {
  const user = world.users[at % world.users.length]
  const room = user?.rooms[Math.floor(at / world.users.length)]
  return rawGet(`${world.server.url}/v1/chatroom/${room}/events`, {
    authorization: `Bearer ${user?.token}`,
  })
}

/** After the collector had its time. */
async function settled(world: World, settleMs: number): Promise<number> {
  await Bun.sleep(settleMs)
  return round(residentMb(world.server.pid), 1)
}
