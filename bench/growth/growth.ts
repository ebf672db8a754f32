import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerProcess } from '../../test/support/server.ts'
import { createTimedGemini } from '../support/gemini.ts'
import { plot } from '../support/plot.ts'
import type { Report } from '../support/report.ts'
import { median, round } from '../support/stats.ts'
import { startBenchServer } from '../support/world.ts'
import { filledFile, isFilled, KEPT_IN } from './files.ts'
import { type Place, pickPlaces } from './people.ts'
import { walksOverTables } from './plans.ts'
import { routes } from './routes.ts'

const SIZES = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
/** The largest that is filled without being asked for: about a minute. */
const UNASKED = 1_000_000
const PLACES = 300
/** Requests to one server before the next one's turn. */
const BLOCK = 20

interface Size {
  messages: number
  databasePath: string
  server: ServerProcess
  places: Place[]
}

export interface GrowthOptions {
  quick: boolean
  /** The largest file; `bun run bench -- growth rows=10000000`. */
  rows: string | undefined
  /** Where the files are kept; `folder=…`. */
  folder: string | undefined
}

/** Latency of the hot routes against files of growing size, one request at a time, sizes in turn. */
export async function benchGrowth(options: GrowthOptions): Promise<Report> {
  const scratch = await mkdtemp(join(tmpdir(), 'pollux-growth-'))
  const folder = options.quick ? scratch : (options.folder ?? KEPT_IN)
  const largest = Number(options.rows ?? (options.quick ? 10_000 : UNASKED))
  const asked = SIZES.filter(
    (messages) => messages <= largest || (options.rows === undefined && isFilled(folder, messages)),
  )
  const gemini = createTimedGemini({ pieces: 1, everyMs: 0 })
  const sizes: Size[] = []
  const faults: string[] = []
  try {
    for (const messages of asked) {
      const databasePath = filledFile(folder, messages, Date.now())
      faults.push(...(await walksOverTables(databasePath, gemini.url)))
      const places = await pickPlaces(databasePath, options.quick ? 40 : PLACES)
      const server = await startBenchServer({ databasePath, geminiUrl: gemini.url, cwd: scratch })
      sizes.push({ messages, databasePath, server, places })
    }
    // Files that fit the memory of the machine are there then: what is compared is work, not disks.
    for (const { databasePath } of sizes) {
      await Bun.spawn(['cat', databasePath], { stdout: 'ignore' }).exited
    }
    const figures: Record<string, Record<number, number>> = {}
    for (const [route, { ask }] of Object.entries(routes)) {
      figures[route] = await latencies(sizes, ask, faults)
    }
    return { ...toReport(asked, figures), faults }
  } finally {
    for (const { server } of sizes) await server.stop('SIGTERM')
    await gemini.stop()
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Median latency by number of messages. */
async function latencies(
  sizes: Size[],
  ask: (typeof routes)[string]['ask'],
  faults: string[],
): Promise<Record<number, number>> {
  const took = new Map<number, number[]>()
  const count = sizes[0]?.places.length ?? 0
  // The first round warms the code up and is not counted; each place is then asked for the first time.
  for (let from = -BLOCK; from < count; from += BLOCK) {
    for (const { messages, server, places } of sizes) {
      const block = from < 0 ? places.slice(0, BLOCK) : places.slice(from, from + BLOCK)
      for (const place of block) {
        const { tookMs, fault } = await ask(server.url, place)
        if (fault !== undefined) faults.push(`growth at ${messages} messages: ${fault}`)
        else if (from >= 0) took.set(messages, [...(took.get(messages) ?? []), tookMs])
      }
    }
  }
  return Object.fromEntries([...took].map(([messages, list]) => [messages, round(median(list), 3)]))
}

function toReport(sizes: number[], figures: Record<string, Record<number, number>>) {
  const [smallest = 0, largest = 0] = [sizes[0], sizes.at(-1)]
  const ratioOf = (of: Record<number, number>) => (of[largest] ?? 0) / (of[smallest] ?? 1)
  const rows = Object.entries(figures).map(([route, of]) => [
    routes[route]?.label ?? route,
    ...sizes.map((messages) => of[messages] ?? Number.NaN),
    `${round(ratioOf(of), 2)} ×`,
  ])
  const shown = ['me', 'page', 'common', 'post']
  const curves = Object.fromEntries(
    shown.map((route) => [
      (routes[route]?.label ?? route).replaceAll('`', ''),
      sizes.map((x) => ({ x, y: figures[route]?.[x] ?? 1 })),
    ]),
  )
  const labels = { x: 'messages in the file', y: 'median latency, milliseconds' }
  return {
    name: 'growth',
    figures,
    table: {
      head: [
        'median ms, by messages in the file',
        ...sizes.map((size) => size.toLocaleString('en').replaceAll(',', ' ')),
        'last against first',
      ],
      rows,
    },
    plots: { 'growth.svg': plot(curves, labels) },
  }
}
