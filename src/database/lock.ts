import { Database as Sqlite } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { explainFault, isBusy, isDatabaseFault, UnusableDatabase } from './fault.ts'
import { realPath } from './real-path.ts'

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
 * @param waitMs how long it waits for who has it; blocks the thread
 * @throws DatabaseInUse, UnusableDatabase
 */
export function lockDatabase(path: string, waitMs = 0): () => void {
  if (path === ':memory:') return () => {}
  mkdirSync(dirname(path), { recursive: true })
  let lock: Sqlite | undefined
  try {
    // One name for one file, whatever link leads to it.
    lock = new Sqlite(`${realPath(path)}-lock`, { create: true })
    lock.run(`PRAGMA busy_timeout = ${waitMs}`)
    lock.run('BEGIN EXCLUSIVE')
  } catch (error) {
    lock?.close()
    if (isBusy(error)) throw new DatabaseInUse(path)
    throw isDatabaseFault(error) ? new UnusableDatabase(explainFault(error, path)) : error
  }
  return () => lock?.close()
}
