import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** What may still be written on the disk of the file. @throws where the folder of the file does not exist */
export function freeBytesBeside(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path))
  return bavail * bsize
}

/** Size of the write-ahead log of the database; 0 where it has none. */
export function walBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
}
