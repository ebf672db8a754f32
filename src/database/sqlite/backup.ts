import { Database as Sqlite } from 'bun:sqlite'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { UnusableDatabase } from '../fault.ts'
import { copyGently, readThrough } from './gentle-copy.ts'
import { checkDatabaseFile } from './verify.ts'

export interface Backup {
  path: string
  bytes: number
}

/**
 * Copies the database as it is now into one new file and verifies the copy. Until that is done the copy has
 * another name, so a file of this name is always a good backup. It blocks its thread for as long as it takes:
 * for when nothing is served.
 * @throws UnusableDatabase where there is no database, or something has the target's name
 */
export function writeBackup(source: string, target: string): Backup {
  const partial = begin(source, target)
  try {
    vacuumInto(source, partial)
    return finish(partial, target)
  } catch (error) {
    removeDatabase(partial)
    throw error
  }
}

/**
 * The same beside a server that serves, taking little from it; in a process of its own, see {@link copyGently}.
 * `copied` is called when the server's log can be emptied again, and only the check is left.
 * @throws as {@link writeBackup}
 */
export function writeBackupGently(source: string, target: string, copied = () => {}): Backup {
  const partial = begin(source, target)
  try {
    copyGently(source, partial)
    copied()
    readThrough(partial)
    closeLog(partial)
    return finish(partial, target)
  } catch (error) {
    removeDatabase(partial)
    throw error
  }
}

function begin(source: string, target: string): string {
  if (!existsSync(source)) throw new UnusableDatabase(`There is no database at '${source}'.`)
  if (existsSync(target))
    throw new UnusableDatabase(`'${target}' exists already; name another file.`)
  mkdirSync(dirname(target), { recursive: true })
  const partial = `${target}.partial`
  removeDatabase(partial)
  // Made first, so that it is private from its first byte: it holds everything people wrote.
  closeSync(openSync(partial, 'wx', 0o600))
  return partial
}

function finish(partial: string, target: string): Backup {
  checkDatabaseFile(partial)
  renameSync(partial, target)
  syncFolder(dirname(target))
  return { path: target, bytes: statSync(target).size }
}

function vacuumInto(source: string, target: string) {
  const sqlite = new Sqlite(source, { readwrite: true, create: false })
  try {
    sqlite.run('PRAGMA busy_timeout = 5000')
    // VACUUM INTO syncs its file as this connection would; an empty file of the name is allowed.
    sqlite.run('PRAGMA synchronous = FULL')
    sqlite.query('VACUUM INTO ?').run(target)
  } finally {
    sqlite.close()
  }
}

/** Moves everything from the write-ahead log into the file, so that the file alone is the database. */
export function closeLog(path: string) {
  const sqlite = new Sqlite(path, { readwrite: true, create: false })
  try {
    sqlite.run('PRAGMA synchronous = FULL')
    sqlite.run('PRAGMA journal_mode = DELETE')
  } finally {
    sqlite.close()
  }
}

/** With what SQLite keeps beside it. */
export function removeDatabase(path: string) {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${end}`, { force: true })
}

/** A rename is durable once its folder is. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
