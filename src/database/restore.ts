import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { closeLog, removeDatabase, syncFolder } from './backup.ts'
import { stamp } from './backup-folder.ts'
import { lockDatabase } from './lock.ts'
import { verifyDatabaseFile } from './verify.ts'

export interface Restored {
  /** Where the replaced database is now; undefined where there was none. */
  replaced: string | undefined
  /** Migrations the next start will apply. */
  pending: string[]
}

/**
 * Puts a backup in the place of the database. The backup is copied beside it and the copy verified whole
 * before anything is replaced; what was there is kept under another name.
 * @throws DatabaseInUse while a server runs, UnusableDatabase, DatabaseFromTheFuture
 */
export function restoreBackup(backup: string, path: string, now: number): Restored {
  mkdirSync(dirname(path), { recursive: true })
  const unlock = lockDatabase(path)
  const incoming = `${path}.restoring`
  try {
    removeDatabase(incoming)
    const { pending } = takeIn(backup, incoming)
    const replaced = existsSync(path) ? setAside(path, `${path}.replaced-${stamp(now)}`) : undefined
    // A log without its database, left by a server whose file was deleted, is not this backup's.
    rmSync(`${path}-wal`, { force: true })
    rmSync(`${path}-shm`, { force: true })
    renameSync(incoming, path)
    syncFolder(dirname(path))
    return { replaced, pending }
  } catch (error) {
    removeDatabase(incoming)
    throw error
  } finally {
    unlock()
  }
}

function takeIn(backup: string, incoming: string): { pending: string[] } {
  if (!existsSync(backup)) verifyDatabaseFile(backup)
  copyFileSync(backup, incoming, constants.COPYFILE_FICLONE)
  // A live database copied by hand has what it committed last in a log beside it.
  if (existsSync(`${backup}-wal`)) copyFileSync(`${backup}-wal`, `${incoming}-wal`)
  const verified = verifyDatabaseFile(incoming)
  closeLog(incoming)
  return verified
}

function setAside(path: string, to: string): string {
  try {
    closeLog(path)
  } catch {
    // Too damaged to be opened, which is why it is being replaced: its log goes with it as it is.
    if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${to}-wal`)
  }
  try {
    // Linked and not moved: at no instant is there no database at `path`.
    linkSync(path, to)
  } catch {
    // Some file systems know no links.
    renameSync(path, to)
  }
  return to
}
