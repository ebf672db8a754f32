/**
 * `bun run house [commit]` prints, for that commit and for the working tree, how large the code of the product is and how
 * many of its files a request crosses. The default commit is the last of the first house; without git only the working
 * tree is shown. With `--files` the crossed files are listed too. docs/architecture.md shows the table.
 */
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Glob } from 'bun'
import { count, type House, isProduct } from './house/count.ts'
import { type Coverage, crossed, parseLcov } from './house/coverage.ts'

const FIRST_HOUSE = 'f821b60'
const REQUESTS = {
  me: 'GET /v1/user/me',
  message: 'POST message',
  webhook: 'Stripe webhook',
  prompt: 'prompt, job and long poll',
}
const SCENARIO = 'scripts/house/scenario.ts'
const root = join(import.meta.dir, '..')

interface Measured extends House {
  crossed: Map<string, string[]>
}

const { values, positionals } = parseArgs({
  args: Bun.argv.slice(2),
  allowPositionals: true,
  options: { files: { type: 'boolean', default: false } },
})
const commit = positionals[0] ?? FIRST_HOUSE
const scratch = await mkdtemp(join(tmpdir(), 'pollux-house-'))
try {
  const before = await extract(commit)
  const columns = new Map<string, Measured>()
  if (before) columns.set(commit, await measure(before))
  columns.set('now', await measure(root))
  print(columns)
} finally {
  await rm(scratch, { recursive: true })
}

/** The tree of a commit in a folder of its own, with today's scenarios in it. Undefined if git does not know the commit. */
async function extract(commit: string): Promise<string | undefined> {
  const folder = join(scratch, 'before')
  const known = Bun.spawnSync(['git', 'cat-file', '-e', `${commit}^{commit}`], { cwd: root })
  if (!known.success) {
    console.log(`git does not know ${commit}: only the working tree is measured`)
    return undefined
  }
  const archive = join(scratch, 'before.tar')
  await run(['git', 'archive', '--prefix=before/', '-o', archive, commit], root)
  await run(['tar', '-xf', archive, '-C', scratch], root)
  await cp(join(root, SCENARIO), join(folder, SCENARIO))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

async function measure(tree: string): Promise<Measured> {
  const texts = new Map<string, string>()
  for await (const path of new Glob('**/*.ts').scan(join(tree, 'src'))) {
    texts.set(path, await Bun.file(join(tree, 'src', path)).text())
  }
  const files = new Map<string, string[]>()
  for (const name of Object.keys(REQUESTS)) {
    const all = crossed(await cover(tree, name, true), await cover(tree, name, false))
    const ours = all.filter((file) => file.startsWith('src/') && isProduct(file.slice(4)))
    files.set(name, ours)
  }
  return { ...count(texts), crossed: files }
}

async function cover(tree: string, request: string, setupOnly: boolean): Promise<Coverage> {
  const folder = await mkdtemp(join(scratch, 'coverage-'))
  const coverage = ['--coverage', '--coverage-reporter=lcov', `--coverage-dir=${folder}`]
  await run([process.execPath, 'test', ...coverage, `./${SCENARIO}`], tree, {
    HOUSE_REQUEST: request,
    HOUSE_SETUP_ONLY: setupOnly ? 'yes' : '',
  })
  return parseLcov(await Bun.file(join(folder, 'lcov.info')).text())
}

async function run(command: string[], cwd: string, env: Record<string, string> = {}) {
  const child = Bun.spawn(command, {
    cwd,
    env: { ...process.env, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error((await output).join(''))
}

function print(columns: Map<string, Measured>): void {
  const houses = [...columns.values()]
  const row = (name: string, value: (house: Measured) => string | number) =>
    console.log(`| ${name} | ${houses.map(value).join(' | ')} |`)
  console.log(`| | ${[...columns.keys()].join(' | ')} |`)
  console.log(`|---|${houses.map(() => '--:|').join('')}`)
  row('files of src', ({ files }) => files)
  row('lines', ({ lines }) => lines)
  row('median lines of a file', ({ medianLines }) => medianLines)
  for (const [name, title] of Object.entries(REQUESTS)) {
    row(`files crossed: ${title}`, (house) => house.crossed.get(name)?.length ?? 0)
  }
  row('files of at most 30 lines', ({ small }) => [...small.values()].reduce((a, b) => a + b, 0))
  const folders = [...new Set(houses.flatMap(({ small }) => [...small.keys()]))].sort()
  for (const folder of folders) {
    row(`— ${folder === '.' ? 'src' : folder}`, ({ small }) => small.get(folder) ?? 0)
  }
  if (!values.files) return
  for (const [column, house] of columns) {
    for (const [name, files] of house.crossed) {
      console.log(`\n${column}, ${REQUESTS[name as keyof typeof REQUESTS]}:\n${files.join('\n')}`)
    }
  }
}
