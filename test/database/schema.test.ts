import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { migrate } from '#src/database/sqlite/migrate.ts'

describe('The schema', () => {
  test('has only STRICT tables, so that a column holds what it says', () => {
    const sqlite = new Sqlite(':memory:')
    migrate(sqlite, { now: 0 })
    const tables = sqlite
      .query<{ name: string; strict: number; type: string }, []>('PRAGMA table_list')
      .all()
      .filter(({ name, type }) => type === 'table' && !isInternal(name))
    expect(tables.length).toBeGreaterThan(10)
    expect(tables.filter(({ strict }) => strict === 0)).toEqual([])
  })

  test('checks a row without making a table for it', () => {
    const sqlite = new Sqlite(':memory:')
    migrate(sqlite, { now: 0 })
    const tables = sqlite
      .query<{ name: string }, []>('PRAGMA table_list')
      .all()
      .filter(({ name }) => !isInternal(name) && name !== 'messages_fts')
    const made = tables.filter(({ name }) =>
      sqlite
        .query<{ opcode: string }, []>(`EXPLAIN INSERT INTO "${name}" DEFAULT VALUES`)
        .all()
        .some(({ opcode }) => opcode === 'OpenEphemeral'),
    )
    expect(tables.length).toBeGreaterThan(10)
    expect(made).toEqual([])
  })

  test('is what the migrations make: generating again gives nothing new', async () => {
    // Inside the project, as drizzle-kit takes only relative paths.
    await using folder = await temporaryFolder()
    await cp('drizzle/migrations', folder.path, { recursive: true })
    const before = await readdir(folder.path)
    const kit = Bun.spawn(
      [
        ...[process.execPath, 'x', 'drizzle-kit', 'generate', '--dialect', 'sqlite'],
        ...['--schema', './drizzle/schema.ts', '--out', `./${relative('.', folder.path)}`],
      ],
      { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    )
    const [told, code] = await Promise.all([new Response(kit.stdout).text(), kit.exited])
    expect(told).toContain('No schema changes')
    expect(code).toBe(0)
    expect(await readdir(folder.path)).toEqual(before)
  }, 30_000)
})

/** The tables behind a full-text index are SQLite's own. */
function isInternal(name: string): boolean {
  return /^sqlite_|_(data|idx|content|docsize|config)$/.test(name)
}

async function temporaryFolder() {
  const path = await mkdtemp(join('node_modules', '.schema-test-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
