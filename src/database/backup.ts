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
import { UnusableDatabase } from './fault.ts'
import { checkDatabaseFile } from './verify.ts'

export interface Backup {
  path: string
  bytes: number
}

/**
 * Copies the database as it is now into one new file, also while a server writes to it, and verifies the
 * copy. Until that is done the copy has another name, so a file of this name is always a good backup.
 * It blocks its thread for as long as it takes: while serving, call it in a process of its own.
 * @throws UnusableDatabase where there is no database, or something has the target's name
 */
export function writeBackup(source: string, target: string): Backup {
  if (!existsSync(source)) throw new UnusableDatabase(`There is no database at '${source}'.`)
  if (existsSync(target))
    throw new UnusableDatabase(`'${target}' exists already; name another file.`)
  mkdirSync(dirname(target), { recursive: true })
  const partial = `${target}.partial`
  rmSync(partial, { force: true })
  try {
    // Made first, so that it is private from its first byte: it holds everything people wrote.
    closeSync(openSync(partial, 'wx', 0o600))
    copy(source, partial)
    checkDatabaseFile(partial)
    renameSync(partial, target)
    syncFolder(dirname(target))
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
  return { path: target, bytes: statSync(target).size }
}

function copy(source: string, target: string) {
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

/** A rename is durable once its folder is. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
