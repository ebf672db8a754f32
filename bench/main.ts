/**
 * `bun run bench` measures everything and writes bench/results/<date>.json and the tables of
 * docs/performance.md. `bun run bench -- quick` proves in under a minute that it runs and that nothing was
 * dropped; its figures mean nothing and are not written. Names of suites run only those; `growth` takes
 * `rows=10000000` and `folder=…` for its files, which are kept.
 * With `binary` the servers are the built file instead of the source.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchAnswers } from './answers/answers.ts'
import { benchLatency } from './conversation/latency.ts'
import { benchMemory } from './conversation/memory.ts'
import { benchGrowth } from './growth/growth.ts'
import { benchHttp } from './http/http.ts'
import { benchQueue } from './queue/queue.ts'
import { benchSlowDisk } from './slow-disk/slow-disk.ts'
import { benchStart } from './start/start.ts'
import { buildBinary } from './support/binary.ts'
import { describeMachine } from './support/machine.ts'
import { type Report, toMarkdown, writeTables } from './support/report.ts'
import { useBinary } from './support/world.ts'

const suites: Record<string, (quick: boolean) => Promise<Report>> = {
  latency: benchLatency,
  memory: benchMemory,
  http: benchHttp,
  answers: benchAnswers,
  queue: benchQueue,
  'slow-disk': benchSlowDisk,
  start: (quick) => benchStart(quick, optionOf('folder')),
  growth: (quick) => benchGrowth({ quick, rows: optionOf('rows'), folder: optionOf('folder') }),
}

const asked = Bun.argv.slice(2)
const WORDS = ['quick', 'dry', 'binary']
const unknown = asked.filter(
  (word) => !(word in suites || WORDS.includes(word) || word.includes('=')),
)
if (unknown.length > 0) {
  console.error(
    `Unknown: ${unknown.join(', ')}. There are ${[...Object.keys(suites), ...WORDS].join(', ')}.`,
  )
  process.exit(2)
}
const quick = asked.includes('quick')
const dry = quick || asked.includes('dry')
if (asked.includes('binary')) {
  useBinary(await buildBinary(await mkdtemp(join(tmpdir(), 'pollux-binary-'))))
}
const names = asked.filter((word) => word in suites)
const machine = describeMachine()
console.log(JSON.stringify(machine))
const reports: Report[] = []
for (const [name, suite] of Object.entries(suites)) {
  if (names.length > 0 && !names.includes(name)) continue
  const startedAt = performance.now()
  const report = await suite(quick)
  reports.push(report)
  console.log(`\n── ${name} (${Math.round((performance.now() - startedAt) / 1_000)} s)`)
  console.log(toMarkdown(report.table))
  for (const fault of report.faults) console.log(`FAULT: ${fault}`)
}
if (!dry) {
  const day = machine.at.slice(0, 10)
  const path = `${import.meta.dir}/results/${day}.json`
  const file = Bun.file(path)
  const before = (await file.exists()) ? await file.json() : {}
  const figures = Object.fromEntries(
    reports.map((one) => [one.name, { machine, ...{ figures: one.figures } }]),
  )
  await Bun.write(path, `${JSON.stringify({ ...before, ...figures }, null, 2)}\n`)
  await writeTables(reports)
  for (const [name, svg] of reports.flatMap(({ plots }) => Object.entries(plots ?? {}))) {
    await Bun.write(`${import.meta.dir}/../docs/performance/${name}`, svg)
  }
}
const faults = reports.flatMap((one) => one.faults)
console.log(`\n${reports.length} suites, ${faults.length} faults`)
process.exit(faults.length > 0 ? 1 : 0)

/** `name=value` on the command line. */
function optionOf(name: string): string | undefined {
  return asked.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
}
