/**
 * `bun run ok`, the whole gate: every step is run and shown, also after one has failed, and the last line
 * is the count. `--tests-done <junit.xml>` leaves the tests out and counts those of an earlier run;
 * `--image` also builds and runs the container image, whose tests are skipped before.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Counts, countLine, readJunit } from './junit.ts'

interface Step {
  name: string
  command: string[]
  cwd?: string
}

const empty = await mkdtemp(join(tmpdir(), 'pollux-ok-'))
const given = Bun.argv.indexOf('--tests-done')
const junit = given > 0 ? (Bun.argv[given + 1] ?? '') : join(empty, 'junit.xml')
const imageJunit = join(empty, 'image.xml')
const bun = process.execPath
const binary = join(import.meta.dir, '..', 'dist', 'pollux')
const tests = [bun, 'run', 'test', '--reporter=junit', `--reporter-outfile=${junit}`]
const image = [bun, 'run', 'check:container', '--report', imageJunit]

const steps: Step[] = [
  { name: 'format and lint', command: [bun, 'x', 'biome', 'ci', '.'] },
  { name: 'types', command: [bun, 'x', 'tsc', '--noEmit'] },
  { name: 'unused code', command: [bun, 'x', 'knip'] },
  { name: 'OpenAPI document', command: [bun, 'run', 'lint:openapi'] },
  ...(given > 0 ? [] : [{ name: 'tests', command: tests }]),
  { name: 'the modules on an engine that waits', command: [bun, 'run', 'test:engines'] },
  { name: 'build', command: [bun, 'run', 'build'] },
  { name: 'the binary starts in an empty folder', command: [binary, '--version'], cwd: empty },
  { name: 'a short crash storm', command: [bun, 'run', 'storm', '--short', '--binary', binary] },
  { name: 'a short benchmark', command: [bun, 'bench/main.ts', 'quick'] },
  ...(Bun.argv.includes('--image') ? [{ name: 'the container image', command: image }] : []),
]

const peers = Bun.spawnSync([bun, 'install', '--frozen-lockfile', '--cwd', 'bench'])
if (peers.exitCode !== 0) {
  console.log('The peers of the benchmark could not be installed; they are skipped.')
}

const failed: string[] = []
for (const { name, command, cwd } of steps) {
  console.log(`\n── ${name}`)
  const startedAt = performance.now()
  const code = await Bun.spawn(command, {
    stdio: ['ignore', 'inherit', 'inherit'],
    ...(cwd === undefined ? {} : { cwd }),
  }).exited
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  console.log(`── ${name}: ${code === 0 ? 'ok' : `FAILED (exit ${code})`} in ${seconds} s`)
  if (code !== 0) failed.push(name)
}

if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}.`)
if (!existsSync(junit)) {
  console.log('There is no test result to count.')
  process.exit(1)
}
const counts = withImage(readJunit(await Bun.file(junit).text()))
const others = failed.filter((name) => name !== 'tests').length
// A test run that dies without a failed test (a crash, a broken import) has still failed.
const died = failed.includes('tests') && counts.failed === 0 ? 1 : 0
console.log(countLine({ ...counts, failed: counts.failed + others + died }))
process.exit(failed.length > 0 || counts.failed > 0 ? 1 : 0)

/** What was skipped without an image, and then done with one, was not skipped; its failure is its step's. */
function withImage(counts: Counts): Counts {
  if (!existsSync(imageJunit)) return counts
  const { passed, failed: broken } = readJunit(readFileSync(imageJunit, 'utf8'))
  return {
    ...counts,
    passed: counts.passed + passed,
    skipped: Math.max(0, counts.skipped - passed - broken),
  }
}
