import { Database as Sqlite } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { MINUTE } from '#src/lib/time.ts'
import { explainFault, isBusy, isDatabaseFault, UnusableDatabase } from '../fault.ts'
import { realPath } from './real-path.ts'

/** A migration makes a backup first, which may be long. */
const MIGRATION_WAIT_MS = MINUTE

/** Another server has the file. */
export class DatabaseInUse extends Error {
  constructor(path: string) {
    super(
      `Another Pollux server is running on '${path}'. Stop it first, or give this one another DATABASE_URL.`,
    )
    this.name = 'DatabaseInUse'
  }
}

/**
 * Makes this process the only server of the file, and returns a function that lets it go. The lock is an
 * open EXCLUSIVE transaction on a file beside the database: the operating system drops it when the process
 * dies, however it dies, so a stale lock cannot exist. The command line's short writes do not take it.
 * @throws DatabaseInUse, UnusableDatabase
 */
export function lockDatabase(path: string): () => void {
  return take(path, (lock) => lock.run('BEGIN EXCLUSIVE'))
}

/**
 * Keeps servers away while the database is migrated. Waits for another migration, blocking the thread; a running server
 * is refused at once: its lock lets nobody read, a migration's does.
 * @throws DatabaseInUse, UnusableDatabase
 */
export function lockForMigration(path: string): () => void {
  return take(path, (lock) => {
    lock.query('SELECT 1 FROM sqlite_schema').get()
    lock.run(`PRAGMA busy_timeout = ${MIGRATION_WAIT_MS}`)
    lock.run('BEGIN IMMEDIATE')
  })
}

function take(path: string, begin: (lock: Sqlite) => void): () => void {
  if (path === ':memory:') return () => {}
  mkdirSync(dirname(path), { recursive: true })
  let lock: Sqlite | undefined
  try {
    // One name for one file, whatever link leads to it.
    lock = new Sqlite(`${realPath(path)}-lock`, { create: true })
    lock.run('PRAGMA busy_timeout = 0')
    begin(lock)
  } catch (error) {
    lock?.close()
    if (isBusy(error)) throw new DatabaseInUse(path)
    throw isDatabaseFault(error) ? new UnusableDatabase(explainFault(error, path)) : error
  }
  return () => lock?.close()
}
