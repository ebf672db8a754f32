import { type Stats, statSync } from 'node:fs'
import { UnusableDatabase } from '../fault.ts'
import { realPath } from './real-path.ts'

/** What SQLite has open is not what a restart will find. */
export class LostFile extends UnusableDatabase {
  readonly what: 'deleted' | 'replaced' | 'cut' | 'log'
  constructor(what: LostFile['what'], message: string) {
    super(message)
    this.name = 'LostFile'
    this.what = what
  }
}

/** Sees that the files SQLite has open are still the ones that a restart will find. */
export interface FileWatch {
  /** @throws LostFile when the database or its log was deleted, replaced or cut short under us */
  check(): void
  /** Takes the files as they are now for the right ones. */
  reset(): void
}

/**
 * SQLite goes on writing to a file that was deleted, and commits succeed into nothing. So each commit looks
 * at the names before it is acknowledged: two stats, a hundredth of the fsync that went before.
 */
export function createFileWatch(path: string): FileWatch {
  if (path === ':memory:') return { check() {}, reset() {} }
  let database = look(path)
  const logPath = `${realPath(path)}-wal`
  let log = look(logPath)
  // No VACUUM runs while serving, so the file never gets smaller.
  let size = database?.size ?? 0
  let cut: LostFile | undefined
  return {
    check() {
      // A checkpoint may make the file as long again as it was; what was cut off is still missing.
      if (cut) throw cut
      const now = look(path)
      if (!now || now.ino !== database?.ino || now.dev !== database.dev) {
        const what = now ? 'replaced' : 'deleted'
        throw new LostFile(what, `The database file '${path}' was ${what} while the server runs.`)
      }
      if (now.size < size) {
        const message = `The database file '${path}' was cut from ${size} to ${now.size} bytes while the server runs. Stop the server, restore a backup (pollux restore <file>) and start it again.`
        cut = new LostFile('cut', message)
        throw cut
      }
      size = now.size
      const logNow = look(logPath)
      log ??= logNow
      if (log && logNow?.ino !== log.ino) {
        const message = `The write-ahead log '${logPath}' was deleted while the server runs.`
        throw new LostFile('log', message)
      }
    },
    reset() {
      cut = undefined
      database = look(path)
      log = look(logPath)
      size = database?.size ?? 0
    },
  }
}

function look(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
