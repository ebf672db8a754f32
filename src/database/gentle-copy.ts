import { Database as Sqlite } from 'bun:sqlite'
import { closeSync, fdatasyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'

const CHUNK_BYTES = 1024 * 1024
/** Where a busy machine makes a piece slow, waiting as long again would keep the reader open for ever. */
const LONGEST_PAUSE_MS = 20
/** Magic, page size and the salts that change when the log begins anew. */
const LOG_HEADER_BYTES = 24

/**
 * Copies the database as it is now, byte by byte, while others write to it. Each piece is on the disk before
 * the next is read, and the disk and a core are left alone for as long as that took: whoever waits for a sync
 * of his own waits for one piece and not for the whole file.
 *
 * What makes the bytes a database: an open reader keeps what came after it out of the file, and what came
 * before it in the log. So the log, taken first, laid over the file, whatever was moved into it meanwhile, is
 * what was committed when the log was taken. Whoever opens the copy has SQLite lay it.
 *
 * Only in a process that has the database open for nothing else: closing a file drops all of the process's
 * locks on it, those of SQLite too.
 */
export async function copyGently(
  source: string,
  target: string,
  sleep: (ms: number) => Promise<void> = Bun.sleep,
): Promise<void> {
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
    await copyLog(open, source, target)
    await copyFile(open(source, 'r'), open(target, 'r+'), { sleep })
  } finally {
    sqlite.close()
    for (const file of files) closeSync(file)
  }
}

type Open = (path: string, flags: string) => number

/**
 * A log that is in the file whole may begin anew beside the reader, once: then it is taken again. Without a
 * pause, so that it does not grow on meanwhile.
 */
async function copyLog(open: Open, source: string, target: string): Promise<void> {
  const size = statSync(`${source}-wal`, { throwIfNoEntry: false })?.size ?? 0
  if (size === 0) return
  const log = open(`${source}-wal`, 'r')
  const copy = open(`${target}-wal`, 'w')
  for (;;) {
    const before = headerOf(log)
    await copyFile(log, copy, { upTo: size })
    if (headerOf(log).equals(before)) return
  }
}

function headerOf(log: number): Buffer {
  const header = Buffer.alloc(LOG_HEADER_BYTES)
  readSync(log, header, 0, LOG_HEADER_BYTES, 0)
  return header
}

async function copyFile(
  from: number,
  to: number,
  {
    upTo = Number.POSITIVE_INFINITY,
    sleep,
  }: { upTo?: number; sleep?: (ms: number) => Promise<void> },
): Promise<void> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  for (let at = 0; at < upTo; ) {
    const startedAt = performance.now()
    const bytes = readSync(from, chunk, 0, Math.min(CHUNK_BYTES, upTo - at), at)
    if (bytes === 0) return
    writeSync(to, chunk, 0, bytes, at)
    at += bytes
    if (!sleep) continue
    fdatasyncSync(to)
    await sleep(Math.min(LONGEST_PAUSE_MS, performance.now() - startedAt))
  }
}
