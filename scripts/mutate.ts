/**
 * `bun run mutate src/lib/fair-ticks.ts [more files] [--tests test/lib/fair-ticks.test.ts,test/security]` places small faults
 * in the files, one at a time, runs the tests that belong to them, and lists the faults that no test noticed. Needs Node
 * 20 or later, on which Stryker runs. Why it is called this way: docs/decisions/087-mutation-testing.md.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'

const TEST_TIMEOUT_MS = 30_000
const root = join(import.meta.dir, '..')
const stryker = join(import.meta.dir, 'mutate/node_modules/@stryker-mutator/core/bin/stryker.js')

const { values, positionals: files } = parseArgs({
  args: Bun.argv.slice(2),
  allowPositionals: true,
  options: {
    /** Files and folders, separated by commas, instead of those of the same name. */
    tests: { type: 'string' },
    concurrency: { type: 'string', default: '1' },
  },
})
if (files.length === 0) throw new Error('Name the files of src to place faults in')
// A line range may follow, as `src/lib/fold.ts:10-20`.
const paths = files.map((file) => file.replace(/:[\d:-]+$/, ''))
const missing = paths.filter((path) => !existsSync(join(root, path)))
if (missing.length > 0) throw new Error(`There is no ${missing.join(', ')}`)
const tests = values.tests?.split(',') ?? [...new Set(paths.flatMap(testsOf))]
if (tests.length === 0) throw new Error('No test belongs to these files: name some with --tests')

const folder = await mkdtemp(join(tmpdir(), 'pollux-mutate-'))
try {
  console.log(`Tests: ${tests.join(' ')}`)
  const config = join(folder, 'stryker.json')
  const test = `${process.execPath} test --timeout ${TEST_TIMEOUT_MS} --no-isolate --bail`
  await Bun.write(
    config,
    JSON.stringify({
      testRunner: 'command',
      commandRunner: { command: `${test} ${tests.join(' ')}` },
      mutate: files,
      concurrency: Number(values.concurrency),
      allowConsoleColors: process.stdout.isTTY === true,
      reporters: ['clear-text', 'progress-append-only'],
      clearTextReporter: { logTests: false, reportTests: false },
      ignorePatterns: ['bench', 'dist', 'scripts/mutate'],
      tempDirName: join(folder, 'copies'),
      // Stryker would rewrite it by the interface of TypeScript that version 7 no longer has.
      tsconfigFile: 'none.json',
      disableTypeChecks: false,
      timeoutMS: TEST_TIMEOUT_MS,
    }),
  )
  const child = Bun.spawn(['node', stryker, 'run', config], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exitCode = await child.exited
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** The test of the same name, the folder of tests of the same name, or else all tests of the module. */
function testsOf(path: string): string[] {
  const mirrored = path.replace(/^src\//, 'test/').replace(/\.ts$/, '')
  const own = [`${mirrored}.test.ts`, mirrored].filter((place) => existsSync(join(root, place)))
  if (own.length > 0) return own
  const module = dirname(mirrored)
  return existsSync(join(root, module)) ? [module] : []
}
