import { describe, expect, test } from 'bun:test'
import { dirname, join, normalize } from 'node:path'
import { Glob } from 'bun'

/** Lowest first. A file imports its own layer and those below it. */
const layers: [name: string, paths: RegExp][] = [
  ['lib', /^src\/lib\//],
  ['drizzle', /^drizzle\//],
  ['database', /^src\/database\//],
  ['queue', /^src\/queue\//],
  ['plugins', /^src\/plugins\//],
  ['modules', /^src\/modules\//],
  ['app', /^src\/(app|accounts|services|conversation|provider|deps|maintenance)\.ts$/],
  ['serve', /^src\/((serve|observation|writer-port)\.ts$|cli\/)/],
  ['main', /^src\/(main|writer-thread|checkpoint-thread)\.ts$/],
]
/** What every other module may use. */
const BASE = new Set(['audit', 'limits', 'idempotency', 'quota', 'assistant', 'files'])
const MAY_READ_CONFIG =
  /^src\/(config\/|cli\/|(main|serve|accounts|services|conversation|provider|deps|maintenance|observation|writer-\w+)\.ts$)/
const READS_ENVIRONMENT = /^src\/((main|writer-thread)\.ts$|config\/)/

interface Import {
  from: string
  to: string
  /** Only types: nothing of it is there at run time. */
  typeOnly: boolean
}

const files = [
  ...(await Array.fromAsync(new Glob('src/**/*.ts').scan('.'))),
  ...(await Array.fromAsync(new Glob('drizzle/**/*.ts').scan('.'))),
  ...(await Array.fromAsync(new Glob('standins/**/*.ts').scan('.'))),
].filter((file) => !file.endsWith('.d.ts'))
const sources = new Map<string, string>()
for (const file of files) sources.set(file, await Bun.file(file).text())
const imports = [...sources].flatMap(([file, source]) => importsOf(file, source))

describe('Imports point one way', () => {
  test('the walk sees values, types and re-exports apart', () => {
    const text = `import { a } from './a.ts'\nimport type { B } from '#src/b.ts'\nimport { type C } from '#drizzle/c.ts'`
    expect(importsOf('src/lib/x.ts', `${text}\nexport const d = a`)).toEqual([
      { from: 'src/lib/x.ts', to: 'src/lib/a.ts', typeOnly: false },
      { from: 'src/lib/x.ts', to: 'src/b.ts', typeOnly: true },
      { from: 'src/lib/x.ts', to: 'drizzle/c.ts', typeOnly: true },
    ])
  })

  test('every file belongs to a layer', () => {
    const known = (file: string) => /^(src\/config|standins)\//.test(file) || layerOf(file) >= 0
    expect(files.filter((file) => !known(file))).toEqual([])
  })

  test('no layer imports one above it, not even a type', () => {
    const upwards = ours(imports).filter(
      ({ from, to }) => layerOf(from) >= 0 && layerOf(to) > layerOf(from),
    )
    expect(upwards.map(arrow)).toEqual([])
  })

  test('a module imports values of base modules only', () => {
    const moduleOf = (path: string) => /^src\/modules\/([^/]+)\//.exec(path)?.[1]
    const across = ours(imports).filter(({ from, to, typeOnly }) => {
      const [here, there] = [moduleOf(from), moduleOf(to)]
      const isAcross = here !== undefined && there !== undefined && here !== there
      return !typeOnly && isAcross && !BASE.has(there)
    })
    expect(across.map(arrow)).toEqual([])
  })

  test('no file imports, not even a type, what leads back to it', () => {
    const targets = Map.groupBy(ours(imports), ({ from }) => from)
    const reaches = (from: string, goal: string, seen = new Set<string>()): boolean =>
      (targets.get(from) ?? []).some(({ to }) => {
        if (to === goal) return true
        if (seen.has(to)) return false
        seen.add(to)
        return reaches(to, goal, seen)
      })
    const round = ours(imports).filter(({ from, to }) => reaches(to, from))
    expect(round.map(arrow)).toEqual([])
  })

  test('stand-ins import only lib and types of the configuration, and only the command line starts them', () => {
    const inside = ours(imports).filter(
      ({ from, to, typeOnly }) =>
        from.startsWith('standins/') &&
        !/^(standins|src\/lib)\//.test(to) &&
        !(typeOnly && to === 'src/config/config.ts'),
    )
    const outside = ours(imports).filter(
      ({ from, to }) =>
        to.startsWith('standins/') && !/^(standins\/|src\/cli\/serve\.ts$)/.test(from),
    )
    expect([...inside, ...outside].map(arrow)).toEqual([])
  })

  test('only what starts the program reads the configuration', () => {
    const readers = ours(imports).filter(
      ({ from, to, typeOnly }) =>
        !typeOnly && to.startsWith('src/config/') && !MAY_READ_CONFIG.test(from),
    )
    expect(readers.map(arrow)).toEqual([])
  })

  test('only main and config touch the environment', () => {
    expect(filesWith(/\b(process|Bun)\.env\b/, /^src\//, READS_ENVIRONMENT)).toEqual([])
  })

  test('SQL is written in the statements of a module, in database and in queue', () => {
    const writesSql =
      /from 'drizzle-orm|#drizzle\/schema|\bstatement[<(]|\.(query|prepare)[<(]\s*['"`<]|sqlite\.run\(/
    // The entry of a thread that only moves the log of SQLite.
    const may =
      /^src\/(database|queue)\/|[/-]statements(\.sqlite)?\.ts$|^src\/checkpoint-thread\.ts$/
    expect(filesWith(writesSql, /^src\//, may)).toEqual([])
  })

  test('time and randomness come from deps in modules and queue', () => {
    const direct = /\b(Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\()/
    expect(filesWith(direct, /^src\/(modules|queue)\//)).toEqual([])
  })
})

function filesWith(pattern: RegExp, where: RegExp, except = /^$/): string[] {
  return [...sources]
    .filter(([file, source]) => where.test(file) && !except.test(file) && pattern.test(source))
    .map(([file]) => file)
}

function layerOf(path: string): number {
  return layers.findIndex(([, paths]) => paths.test(path))
}

function arrow({ from, to }: Import): string {
  return `${from} -> ${to}`
}

/** Imports of our own files; those of packages are knip's and Biome's concern. */
function ours(all: Import[]): Import[] {
  return all.filter(({ to }) => /^(src|drizzle|standins)\//.test(to))
}

function importsOf(from: string, source: string): Import[] {
  const scan = (text: string) =>
    new Bun.Transpiler({ loader: 'ts' }).scanImports(text).map(({ path }) => resolve(from, path))
  const values = new Set(scan(source))
  // The transpiler forgets imports of types; as imports of values it tells them.
  const all = scan(
    source.replaceAll(/^(import|export)( type)? ([{*\w][^'";=]*? )?from /gm, (line) =>
      line.replaceAll(/\btype (?=[\w{*])/g, ''),
    ),
  )
  return [...new Set(all)].map((to) => ({ from, to, typeOnly: !values.has(to) }))
}

function resolve(from: string, path: string): string {
  if (path.startsWith('.')) return normalize(join(dirname(from), path))
  return path.replace(/^#(src|drizzle|test|standins)\//, '$1/')
}
