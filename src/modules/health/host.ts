import { freeBytesBeside, walBytes } from '#src/database/sqlite/disk.ts'
import { filesLeft, openFilesLimit } from '#src/lib/open-files.ts'

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
        return freeBytesBeside(path)
      } catch {
        // Its folder is gone, which the probe of the database says better.
        return Number.POSITIVE_INFINITY
      }
    },
    walBytes: () => walBytes(path),
    filesLeft: () => filesLeft(limit),
  }
}
