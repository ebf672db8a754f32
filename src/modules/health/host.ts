import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** What the machine has left for the database at `path`; a test hands in its own. */
export interface Host {
  freeBytes(): number
  walBytes(): number
  /** Files and connections that may still be opened. */
  filesLeft(): number
}

export function createHost(path: string): Host {
  const limit = openFilesLimit()
  return {
    freeBytes() {
      try {
        const { bavail, bsize } = statfsSync(dirname(path))
        return bavail * bsize
      } catch {
        // Its folder is gone, which the probe of the database says better.
        return Number.POSITIVE_INFINITY
      }
    },
    walBytes: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    filesLeft() {
      try {
        return limit - readdirSync('/proc/self/fd').length
      } catch (error) {
        // Looking needs a file too; where there is no /proc nobody knows.
        const none = error instanceof Error && 'code' in error && error.code === 'EMFILE'
        return none ? 0 : Number.POSITIVE_INFINITY
      }
    },
  }
}

/** The soft limit of this process on open files. */
export function openFilesLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
