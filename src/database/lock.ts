import { Database as Sqlite } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { isBusy } from './writer.ts'

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
 * @throws DatabaseInUse
 */
export function lockDatabase(path: string): () => void {
  if (path === ':memory:') return () => {}
  mkdirSync(dirname(path), { recursive: true })
  const lock = new Sqlite(`${path}-lock`, { create: true })
  try {
    lock.run('PRAGMA busy_timeout = 0')
    lock.run('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw isBusy(error) ? new DatabaseInUse(path) : error
  }
  return () => lock.close()
}
