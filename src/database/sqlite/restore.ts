import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { closeLog, removeDatabase, syncFolder } from './backup.ts'
import { stamp } from './backup-folder.ts'
import { lockDatabase } from './lock.ts'
import { realPath } from './real-path.ts'
import { verifyDatabaseFile } from './verify.ts'

/** What SQLite reads beside a file when it opens it. */
const LOGS = ['-wal', '-journal']

export interface Restored {
  /** Where the replaced database is now; undefined where there was none. */
  replaced: string | undefined
  /** Migrations the next start will apply. */
  pending: string[]
}

/**
 * Puts a backup in the place of the database. The backup is copied beside it and the copy verified whole
 * before anything is replaced; what was there is kept under another name. Done by root, the files are those of
 * whoever had the database, or has its folder.
 * @throws DatabaseInUse while a server runs, UnusableDatabase, DatabaseFromTheFuture
 */
export function restoreBackup(backup: string, target: string, now: number): Restored {
  // A link goes on leading to the file.
  const path = realPath(target)
  mkdirSync(dirname(path), { recursive: true })
  const owner = statSync(existsSync(path) ? path : dirname(path))
  const unlock = lockDatabase(path)
  const incoming = `${path}.restoring`
  try {
    removeDatabase(incoming)
    const { pending } = takeIn(backup, incoming)
    hand(incoming, owner)
    hand(`${path}-lock`, owner)
    const kept = freeName(`${path}.replaced-${stamp(now)}`)
    const replaced = existsSync(path) ? setAside(path, kept) : undefined
    // Left by a server whose file was deleted: SQLite would apply them to the backup.
    for (const end of ['-wal', '-shm', '-journal']) rmSync(`${path}${end}`, { force: true })
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
  // Not as the backup was kept, which may be for reading alone or for everybody.
  chmodSync(incoming, 0o600)
  // A live database copied by hand has what it committed last, or what to undo, in a file beside it.
  for (const end of LOGS) {
    if (!existsSync(`${backup}${end}`)) continue
    copyFileSync(`${backup}${end}`, `${incoming}${end}`)
    chmodSync(`${incoming}${end}`, 0o600)
  }
  const verified = verifyDatabaseFile(incoming, backup)
  closeLog(incoming)
  return verified
}

/** Only root may give a file away, and only its files need it. */
function hand(path: string, { uid, gid }: Stats): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid)
}

/** Two restores in one second keep both of what they replace. */
function freeName(name: string): string {
  for (let count = 2, free = name; ; free = `${name}-${count++}`) {
    if (['', ...LOGS].every((end) => !existsSync(`${free}${end}`))) return free
  }
}

function setAside(path: string, to: string): string {
  try {
    closeLog(path)
  } catch {
    // Too damaged to be opened, which is why it is being replaced: its log goes with it as it is.
    for (const end of LOGS) {
      if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${to}${end}`)
    }
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
