import { Database as Sqlite } from 'bun:sqlite'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { openDirect } from './direct-file.ts'

/** While the disk writes one, a sync of the server waits. */
const PIECE_BYTES = 1024 * 1024
/** Magic, page size and the salts that change when the log begins anew. */
const LOG_HEADER_BYTES = 24

/**
 * Copies the database as it is now, byte by byte, while others write to it. Each piece is written before the
 * next is read: whoever waits for a sync of his own waits for one piece and not for the whole file.
 *
 * What makes the bytes a database: an open reader keeps what came after it out of the file, and what came
 * before it in the log. So the log, taken first, laid over the file, whatever was moved into it meanwhile, is
 * what was committed when the log was taken. Whoever opens the copy has SQLite lay it.
 *
 * Only in a process that has the database open for nothing else: closing a file drops all of the process's
 * locks on it, those of SQLite too.
 * @param pieceCopied is called after each piece of the log and of the file
 */
export function copyGently(source: string, target: string, pieceCopied = () => {}): void {
  const sqlite = new Sqlite(source, { readwrite: true, create: false })
  try {
    sqlite.run('PRAGMA busy_timeout = 5000')
    sqlite.run('BEGIN')
    // A transaction reads from its first statement on.
    sqlite.query('SELECT count(*) FROM sqlite_schema').get()
    copyLog(source, target, pieceCopied)
    reading(source, (file) => copyFile(file, target, pieceCopied))
    sqlite.run('COMMIT')
    // What was held back is moved here, or a commit of the server would have to, all of it at once.
    sqlite.run('PRAGMA wal_checkpoint(PASSIVE)')
  } finally {
    sqlite.close()
  }
}

/** A log that is in the file whole may begin anew beside the reader, once: then it is taken again. */
function copyLog(source: string, target: string, pieceCopied: () => void): void {
  const size = statSync(`${source}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return
  reading(`${source}-wal`, (log) => {
    for (;;) {
      const before = headerOf(log)
      copyFile(log, `${target}-wal`, pieceCopied, size)
      if (headerOf(log).equals(before)) return
    }
  })
}

/**
 * Reads the file from its beginning to its end, a tenth of the time. What was written directly is not in the
 * page cache: a check would wait for the disk at each page, and at full speed a server's syncs would.
 */
export function readThrough(path: string): void {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  reading(path, (file) => {
    let at = 0
    for (let bytes = -1; bytes !== 0; at += bytes) {
      const startedAt = performance.now()
      bytes = readSync(file, piece, 0, PIECE_BYTES, at)
      Bun.sleepSync(9 * (performance.now() - startedAt))
    }
  })
}

function reading(path: string, read: (file: number) => void): void {
  const file = openSync(path, 'r')
  try {
    read(file)
  } finally {
    closeSync(file)
  }
}

function headerOf(log: number): Buffer {
  const header = Buffer.alloc(LOG_HEADER_BYTES)
  readSync(log, header, 0, LOG_HEADER_BYTES, 0)
  return header
}

function copyFile(
  from: number,
  target: string,
  pieceCopied: () => void,
  upTo = Number.POSITIVE_INFINITY,
): void {
  const to = openDirect(target, PIECE_BYTES)
  try {
    for (let at = 0; at < upTo; ) {
      const bytes = readSync(from, to.buffer, 0, Math.min(PIECE_BYTES, upTo - at), at)
      if (bytes === 0) return
      to.write(bytes)
      at += bytes
      pieceCopied()
    }
  } finally {
    to.close()
  }
}
