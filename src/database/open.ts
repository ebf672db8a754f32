import { Database as Sqlite } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { drizzle } from 'drizzle-orm/bun-sqlite'
import * as schema from '#drizzle/schema.ts'
import type { Connection } from './command.ts'
import { createNotifications, type Notifications } from './notifications.ts'
import { createWriter, type Writer, type WriterObserver } from './writer.ts'

/** The one connection of the process. Reads are synchronous through `orm`; every write is a command. */
export interface Database extends Connection, Writer {
  notifications: Notifications
  /** Moves the write-ahead log into the file; returns how many pages it could not move. */
  checkpoint(): number
  close(): void
}

/**
 * Opens (and creates) the database file, or a private one in memory for `:memory:`.
 * `synchronous=FULL` because an acknowledged commit must survive a power cut; NORMAL does not promise it.
 */
export function openDatabase(path: string, observer: WriterObserver = {}): Database {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const sqlite = new Sqlite(path, { create: true, strict: true })
  sqlite.run('PRAGMA busy_timeout = 1000')
  sqlite.run('PRAGMA journal_mode = WAL')
  sqlite.run('PRAGMA synchronous = FULL')
  sqlite.run('PRAGMA foreign_keys = ON')
  sqlite.run('PRAGMA cache_size = -65536')
  sqlite.run('PRAGMA temp_store = MEMORY')
  sqlite.run('PRAGMA journal_size_limit = 67108864')
  // From here on, waiting inside SQLite would block the event loop; the writer waits outside of it.
  sqlite.run('PRAGMA busy_timeout = 2')
  const connection: Connection = { sqlite, orm: drizzle(sqlite, { schema }) }
  const notifications = createNotifications()
  return {
    ...connection,
    ...createWriter(connection, notifications, observer),
    notifications,
    checkpoint() {
      const row = sqlite
        .query<{ log: number; checkpointed: number }, []>('PRAGMA wal_checkpoint(PASSIVE)')
        .get()
      return row ? row.log - row.checkpointed : 0
    },
    close() {
      try {
        sqlite.run('PRAGMA optimize')
      } finally {
        sqlite.close()
      }
    },
  }
}
