import { Database as Sqlite } from 'bun:sqlite'

/** Looked at so often at most. */
const EVERY_MS = 20
/** Pages of the log worth moving; as many as SQLite itself waits for unless it is told otherwise. */
const WORTHWHILE = 1_000

/**
 * The entry of the thread that moves the write-ahead log into the file while the writer's goes on committing,
 * which SQLite allows. Whatever it cannot move is left to the commits, as all is where there is no such thread:
 * at 8192 pages one of them moves the rest, and the log begins anew.
 */
declare const self: Worker

self.onmessage = ({ data }: MessageEvent<string>) => {
  const sqlite = new Sqlite(data, { readwrite: true, create: false })
  sqlite.run('PRAGMA synchronous = FULL')
  const state = sqlite.query<Moved, []>('PRAGMA wal_checkpoint(NOOP)')
  const move = sqlite.query<Moved, []>('PRAGMA wal_checkpoint(PASSIVE)')
  self.onmessage = () =>
    setTimeout(() => {
      try {
        const { log, checkpointed } = state.get() ?? { log: 0, checkpointed: 0 }
        if (log - checkpointed >= WORTHWHILE) move.get()
      } catch {
        // A disk that is full or failing: the commits meet it too, and they tell.
      }
      self.postMessage('looked')
    }, EVERY_MS)
  self.postMessage('ready')
}

/** Pages in the log, and how many of them the file has. */
interface Moved {
  log: number
  checkpointed: number
}
