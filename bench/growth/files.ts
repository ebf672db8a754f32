import { Database as Sqlite } from 'bun:sqlite'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { freemem } from 'node:os'
import { dirname, join } from 'node:path'
import { migrate } from '../../src/database/sqlite/migrate.ts'
import { openDatabase } from '../../src/database/sqlite/open.ts'
import { fill, MESSAGES_OF_A_USER } from './fill.ts'

/** Raised when the fill writes other rows: older files are filled anew. */
const FILL_VERSION = 1
const MARK = 'filled'
/** Where they are kept unless told otherwise. */
export const KEPT_IN = '/var/tmp/pollux-growth'

/** Whether the file is there, whole and of the present schema. */
export function isFilled(folder: string, messages: number): boolean {
  const path = pathOf(folder, messages)
  const mark = `${path}.${MARK}`
  return existsSync(path) && existsSync(mark) && readFileSync(mark, 'utf8') === currentMark()
}

/**
 * The file with so many messages in the folder: filled once and kept, as the large ones take minutes. A file
 * of another schema, or one whose filling was cut short, is filled anew.
 */
export function filledFile(folder: string, messages: number, now: number): string {
  const path = pathOf(folder, messages)
  if (isFilled(folder, messages)) return path
  mkdirSync(dirname(path), { recursive: true })
  for (const suffix of ['', '-wal', '-shm', '-journal', `.${MARK}`]) {
    rmSync(path + suffix, { force: true })
  }
  const startedAt = performance.now()
  openAndMigrate(path, now)
  const sqlite = new Sqlite(path, { strict: true })
  // There is no way from the write-ahead log to none but over this one.
  sqlite.run('PRAGMA journal_mode = DELETE')
  sqlite.run('PRAGMA journal_mode = OFF')
  sqlite.run('PRAGMA synchronous = OFF')
  sqlite.run('PRAGMA locking_mode = EXCLUSIVE')
  sqlite.run('PRAGMA foreign_keys = OFF')
  sqlite.run('PRAGMA temp_store = MEMORY')
  // Index pages are met at random: what does not fit is read again and again.
  sqlite.run(`PRAGMA cache_size = -${Math.floor(Math.min(freemem() / 3, 8 * 2 ** 30) / 1024)}`)
  fill(sqlite, messages / MESSAGES_OF_A_USER, now)
  mergeSegments(sqlite)
  sqlite.close(true)
  // As the program leaves a file.
  openDatabase(path).close()
  Bun.spawnSync(['sync', path])
  writeFileSync(`${path}.${MARK}`, currentMark())
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  const megabytes = Math.round(statSync(path).size / 1_000_000)
  console.log(`${path}: ${messages} messages, ${megabytes} MB, filled in ${seconds} s`)
  return path
}

/**
 * In few large commits FTS5 leaves hundreds of segments; in the small ones of the program a dozen, as it merges
 * along the way. So they are merged here as far as it would have.
 */
function mergeSegments(sqlite: Sqlite): void {
  const changes = sqlite.query<{ count: number }, []>('SELECT total_changes() AS count')
  for (let before = -2; (changes.get()?.count ?? 0) - before >= 2; ) {
    before = changes.get()?.count ?? 0
    sqlite.run("INSERT INTO messages_fts (messages_fts, rank) VALUES ('merge', 16000)")
  }
}

function openAndMigrate(path: string, now: number): void {
  const database = openDatabase(path)
  migrate(database.sqlite, { now })
  database.close()
}

function pathOf(folder: string, messages: number): string {
  return join(folder, `pollux-${messages}.db`)
}

export function currentMark(): string {
  const database = openDatabase(':memory:')
  migrate(database.sqlite, { now: 0 })
  const statements = database.sqlite.query('SELECT sql FROM sqlite_schema ORDER BY name').all()
  database.close()
  const schema = new Bun.CryptoHasher('sha256').update(JSON.stringify(statements)).digest('hex')
  return `${FILL_VERSION}:${schema}`
}
