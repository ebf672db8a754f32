/**
 * `bun run abuse [-- --only search,streams --seconds 10 --binary dist/pollux]`: one attacker with one free account, and
 * what a stranger at one address can do, against the built binary, beside twenty honest users. Each attack runs on a
 * server and a database of its own, then all of them run at once. Prints what the honest users saw and what it cost,
 * and exits with 1 where a goal was missed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { attacks } from './abuse/attacks.ts'
import { type Outcome, runAttack } from './abuse/harness/run.ts'
import { missedGoals, row, TITLES, toTable } from './abuse/harness/table.ts'

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    /** A binary that is built already. */
    binary: { type: 'string' },
    /** Further settings of the server, `NAME=value`. */
    set: { type: 'string', multiple: true, default: [] },
  },
})
const seconds = Number(values.seconds)
if (!(seconds > 0)) throw new Error('--seconds must be a number above 0')
const names = attacks.map(({ name }) => name)
const chosen = values.only?.split(',') ?? [...names, 'all']
const unknown = chosen.filter((name) => name !== 'all' && !names.includes(name))
if (unknown.length > 0) {
  throw new Error(`There is no attack ${unknown.join(', ')}: there are ${names.join(', ')} and all`)
}
const settings = Object.fromEntries(
  values.set.map((pair): [string, string] => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), pair.slice(at + 1)]
  }),
)

const folder = await mkdtemp(join(tmpdir(), 'pollux-abuse-'))
try {
  const binary = values.binary ?? build(join(folder, 'pollux'))
  const outcomes: Outcome[] = []
  for (const name of chosen) {
    const together = name === 'all' ? names : [name]
    const outcome = await runAttack(binary, name, together, { seconds, settings })
    outcomes.push(outcome)
    console.log(
      `${name}: ${attacks.find((attack) => attack.name === name)?.about ?? 'all at once'}`,
    )
    console.log(`  ${outcome.statuses}`)
    for (const note of outcome.notes) console.log(`  ${note}`)
  }
  console.log(`\n${toTable(TITLES, outcomes.map(row))}`)
  const missed = outcomes.flatMap((outcome) => missedGoals(outcome))
  for (const what of missed) console.log(`Missed: ${what}.`)
  process.exitCode = missed.length === 0 ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

function build(outfile: string): string {
  const { exitCode } = Bun.spawnSync([process.execPath, 'scripts/build.ts', outfile], {
    cwd: join(import.meta.dir, '..'),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (exitCode !== 0) throw new Error('The binary could not be built')
  return outfile
}
