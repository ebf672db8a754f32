/**
 * The crash storm: `bun run storm -- --seed 7 --prompts 5000 --minutes 10`. Real servers are killed, stopped
 * and replaced while prompts are sent twice, the provider fails and readers follow; then everything must
 * add up. `--short` is the form of the gate, `--mutant <name>` takes a guarantee out and must end in 1.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeMutant, mutants } from '#test/storm/mutants.ts'
import { runStorm } from '#test/storm/storm.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    prompts: { type: 'string' },
    minutes: { type: 'string' },
    short: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    /** A binary that is built already. */
    binary: { type: 'string' },
  },
})
const isShort = values.short
const seed = Number(values.seed)
const prompts = Number(values.prompts ?? (isShort ? 250 : 5_000))
const minutes = Number(values.minutes ?? (isShort ? 0.3 : 10))
if (![seed, prompts, minutes].every((value) => Number.isFinite(value) && value > 0)) {
  throw new Error('--seed, --prompts and --minutes must be numbers above 0')
}

const folder = await mkdtemp(join(tmpdir(), 'pollux-storm-'))
try {
  const binary = values.binary ?? (await build())
  console.log(`storm: seed ${seed}, ${prompts} prompts, ${minutes} min${mutantNote()}`)
  const options = { seed, prompts, durationMs: minutes * 60_000, isShort }
  const { invariants, figures } = await runStorm(binary, options, (line) => console.log(line))
  for (const [name, figure] of Object.entries(figures)) console.log(`${name}: ${figure}`)
  for (const { name, checked, violations } of invariants) {
    console.log(`${violations.length === 0 ? 'ok  ' : 'FAIL'} ${name} (${checked} checked)`)
    for (const violation of violations.slice(0, 5)) console.log(`       ${violation}`)
    if (violations.length > 5) console.log(`       and ${violations.length - 5} more`)
  }
  process.exitCode = invariants.some(({ violations }) => violations.length > 0) ? 1 : 0
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function build(): Promise<string> {
  const source = join(folder, 'source')
  if (values.mutant !== undefined) await makeMutant(values.mutant, source)
  const outfile = join(folder, 'pollux')
  const { exitCode } = Bun.spawnSync([process.execPath, 'scripts/build.ts', outfile], {
    cwd: values.mutant === undefined ? join(import.meta.dir, '..') : source,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (exitCode !== 0) throw new Error('The binary could not be built')
  return outfile
}

function mutantNote(): string {
  return values.mutant === undefined || !(values.mutant in mutants)
    ? ''
    : `, mutant ${values.mutant}`
}
