import { Database as Sqlite } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { explainFault, isDatabaseFault, UnusableDatabase } from '../fault.ts'
import { isOurs } from './identity.ts'
import { pendingMigrations } from './migrate.ts'

/**
 * Reads the whole file.
 * @throws UnusableDatabase where it is missing, damaged or another program's
 */
export function checkDatabaseFile(path: string): void {
  inspect(path, () => {})
}

/**
 * Reads the whole file and gives the migrations this Pollux would have to apply to it. `called` is the file that
 * complaints name, where it is a copy of that one.
 * @throws as {@link checkDatabaseFile}, and DatabaseFromTheFuture
 */
export function verifyDatabaseFile(path: string, called = path): { pending: string[] } {
  return inspect(path, (sqlite) => ({ pending: pendingMigrations(sqlite) }), called)
}

/** What SQLite finds wrong without looking at indexes; undefined where that is nothing. */
export function quickCheck(sqlite: Sqlite): string | undefined {
  const [first] = sqlite.query<{ quick_check: string }, []>('PRAGMA quick_check(1)').all()
  return first?.quick_check === 'ok' ? undefined : (first?.quick_check ?? 'nothing can be read')
}

function inspect<T>(path: string, ask: (sqlite: Sqlite) => T, called = path): T {
  if (!existsSync(path)) throw new UnusableDatabase(`There is no file '${path}'.`)
  let sqlite: Sqlite | undefined
  try {
    sqlite = new Sqlite(path, { readwrite: true, create: false })
    const [first] = sqlite.query<{ integrity_check: string }, []>('PRAGMA integrity_check(1)').all()
    if (first?.integrity_check !== 'ok') {
      throw new UnusableDatabase(`'${called}' is damaged: ${first?.integrity_check}.`)
    }
    if (!isOurs(sqlite)) throw new UnusableDatabase(`'${called}' is not a database of Pollux.`)
    const [orphan] = sqlite.query<{ table: string }, []>('PRAGMA foreign_key_check').all()
    if (orphan) {
      throw new UnusableDatabase(
        `'${called}' is damaged: rows of '${orphan.table}' refer to nothing.`,
      )
    }
    return ask(sqlite)
  } catch (error) {
    throw isDatabaseFault(error) ? new UnusableDatabase(explainFault(error, called)) : error
  } finally {
    sqlite?.close()
  }
}
