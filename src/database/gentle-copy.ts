import { Database as Sqlite } from 'bun:sqlite'
import { closeSync, fdatasyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'

/** Smaller pieces sync too often, which costs the server more than one large sync does. */
const CHUNK_BYTES = 8 * 1024 * 1024
/** Magic, page size and the salts that change when the log begins anew. */
const LOG_HEADER_BYTES = 24

/**
 * Copies the database as it is now, byte by byte, while others write to it. Each piece is on the disk before
 * the next is read: whoever waits for a sync of his own waits for one piece and not for the whole file.
 *
 * What makes the bytes a database: an open reader keeps what came after it out of the file, and what came
 * before it in the log. So the log, taken first, laid over the file, whatever was moved into it meanwhile, is
 * what was committed when the log was taken. Whoever opens the copy has SQLite lay it.
 *
 * Only in a process that has the database open for nothing else: closing a file drops all of the process's
 * locks on it, those of SQLite too.
 */
export function copyGently(source: string, target: string): void {
  const files: number[] = []
  const open = (path: string, flags: string) => {
    const file = openSync(path, flags, 0o600)
    files.push(file)
    return file
  }
  const sqlite = new Sqlite(source, { readwrite: true, create: false })
  try {
    sqlite.run('PRAGMA busy_timeout = 5000')
    sqlite.run('BEGIN')
    // A transaction reads from its first statement on.
    sqlite.query('SELECT count(*) FROM sqlite_schema').get()
    copyLog(open, source, target)
    copyFile(open(source, 'r'), open(target, 'r+'))
  } finally {
    sqlite.close()
    for (const file of files) closeSync(file)
  }
}

type Open = (path: string, flags: string) => number

/** A log that is in the file whole may begin anew beside the reader, once: then it is taken again. */
function copyLog(open: Open, source: string, target: string): void {
  const size = statSync(`${source}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return
  const log = open(`${source}-wal`, 'r')
  const copy = open(`${target}-wal`, 'w')
  for (;;) {
    const before = headerOf(log)
    copyFile(log, copy, size)
    if (headerOf(log).equals(before)) return
  }
}

function headerOf(log: number): Buffer {
  const header = Buffer.alloc(LOG_HEADER_BYTES)
  readSync(log, header, 0, LOG_HEADER_BYTES, 0)
  return header
}

function copyFile(from: number, to: number, upTo = Number.POSITIVE_INFINITY): void {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let at = 0; at < upTo; ) {
    const bytes = readSync(from, chunk, 0, Math.min(CHUNK_BYTES, upTo - at), at)
    if (bytes === 0) return
    // A disk that is nearly full takes less; the next try says that it is full.
    at += writeSync(to, chunk, 0, bytes, at)
    fdatasyncSync(to)
  }
}
