import type { Database as Sqlite } from 'bun:sqlite'
import { migrations } from '#drizzle/migrations/index.ts'
import { APPLICATION_ID } from './identity.ts'

export interface Migration {
  name: string
  sql: string
}

/** The file was written by a newer Pollux. */
export class DatabaseFromTheFuture extends Error {
  constructor(unknown: string[]) {
    super(
      `This database has migrations that this Pollux does not know (${unknown.join(', ')}). ` +
        'Start the newer Pollux, or restore the backup taken before its upgrade.',
    )
    this.name = 'DatabaseFromTheFuture'
  }
}

/** Names of the migrations that have not been applied, oldest first. Changes nothing. */
export function pendingMigrations(sqlite: Sqlite, known: Migration[] = migrations): string[] {
  const applied = appliedMigrations(sqlite)
  const unknown = applied.filter((name) => !known.some((migration) => migration.name === name))
  if (unknown.length > 0) throw new DatabaseFromTheFuture(unknown)
  return known.map(({ name }) => name).filter((name) => !applied.includes(name))
}

/**
 * Applies what is pending, each migration in a transaction of its own under SQLite's write lock, and
 * returns the names applied. The SQL is embedded in the binary: Drizzle's migrator would read the disk.
 * @throws DatabaseFromTheFuture
 */
export function migrate(sqlite: Sqlite, options: { now: number; known?: Migration[] }): string[] {
  const known = options.known ?? migrations
  sqlite.run(
    'CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
  )
  const names = pendingMigrations(sqlite, known)
  sqlite.run(`PRAGMA application_id = ${APPLICATION_ID}`)
  const done: string[] = []
  for (const migration of known) {
    if (!names.includes(migration.name)) continue
    const applied = sqlite
      .transaction(() => {
        // Asked again under the lock: another process may have been faster.
        if (appliedMigrations(sqlite).includes(migration.name)) return false
        for (const statement of migration.sql.split('--> statement-breakpoint')) {
          if (statement.trim()) sqlite.run(statement)
        }
        sqlite
          .query('INSERT INTO migrations (name, applied_at) VALUES (?, ?)')
          .run(migration.name, options.now)
        return true
      })
      .immediate()
    if (applied) done.push(migration.name)
  }
  return done
}

function appliedMigrations(sqlite: Sqlite): string[] {
  const exists = sqlite
    .query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
    .get()
  if (!exists) return []
  return sqlite
    .query<{ name: string }, []>('SELECT name FROM migrations ORDER BY name')
    .all()
    .map(({ name }) => name)
}
