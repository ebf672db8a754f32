import type { Database as Sqlite } from 'bun:sqlite'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { drizzle } from 'drizzle-orm/bun-sqlite'
import * as schema from '#drizzle/schema.ts'
import type { Connection } from '../connection.ts'
import { explainFault, isDatabaseFault, UnusableDatabase } from '../fault.ts'
import { createNotifications, type Notifications } from '../notifications.ts'
import { type Command, type Query, runSteps, StepTx } from '../steps.ts'
import { createFileWatch, type FileWatch } from './file-watch.ts'
import { isOurs } from './identity.ts'
import { createRemoteWriter, type Port, type RemoteWriter } from './remote-writer.ts'
import { createSnapshot, type Snapshot } from './snapshot.ts'
import { createStatements, refuseNotice } from './statements.ts'
import { SteadySqlite } from './steady.ts'
import { prepareTransaction } from './transaction.ts'
import { createWriter, type Writer, type WriterObserver } from './writer.ts'

/** The topic that tells that commands are run by another thread from now on, or by this one again. */
export const WRITER_MOVED = 'writer.moved'

/** A thread's one connection. */
export interface Database extends Connection, Writer {
  /**
   * Runs the command in the next group commit. Resolves once the commit is durable; rejects with what the command threw,
   * or with the fault of the commit.
   */
  run<I, O>(command: Command<I, O>, input: I): Promise<O>
  /** Runs the query in a snapshot of the database. */
  read<I, O>(query: Query<I, O>, input: I): Promise<O>
  /** The thread that runs the commands; undefined where it is this one, which is so until `moveWriter`. */
  readonly thread: Omit<RemoteWriter, 'submit' | 'end'> | undefined
  /** From here on every command is run by the thread at the other end. */
  moveWriter(port: Port): void
  /** This thread runs commands again. Resolves when the other has let go. */
  bringWriterBack(): Promise<void>
  notifications: Notifications
  /** For those who will read more than once in this turn of the event loop. */
  snapshot: Snapshot
  watch: FileWatch
  /** Moves the write-ahead log into the file, on this thread; returns how many pages it could not move. */
  checkpoint(): number
  /**
   * Without `PRAGMA optimize`: with the statistics of a nearly empty file the planner walks whole tables, also
   * when they have grown since; without any it takes the indexes that every statement was written for.
   */
  close(): void
}

/**
 * Opens (and creates) the database file, or a private one in memory for `:memory:`.
 * `synchronous=FULL` because an acknowledged commit must survive a power cut; NORMAL does not promise it.
 * @throws UnusableDatabase where it is damaged, another program's, or cannot be opened
 */
export function openDatabase(
  path: string,
  observer: WriterObserver = {},
  notifications: Notifications = createNotifications(),
): Database {
  const sqlite = connect(path)
  const watch = createFileWatch(path)
  const answer = createStatements(sqlite)
  const connection: Connection = { sqlite, orm: drizzle(sqlite, { schema }), answer }
  const transaction = prepareTransaction(sqlite)
  const snapshot = createSnapshot(sqlite, transaction)
  const within = { ...connection, transaction, snapshot }
  const local = createWriter(within, notifications, { ...observer, verify: watch.check })
  let remote: RemoteWriter | undefined
  const submit: Writer['submit'] = (one) => (remote ?? local).submit(one)
  const reading = new StepTx(refuseNotice)
  return {
    ...connection,
    submit,
    run: (command, input) =>
      new Promise((resolve, reject) => submit({ command, input, resolve, reject })),
    async read(query, input) {
      snapshot.hold()
      return runSteps(query.steps(reading, input), answer)
    },
    beforeCommit: local.beforeCommit,
    get thread() {
      return remote
    },
    moveWriter(port) {
      // The thread looks at the files from now on; what it then finds missing was there now.
      watch.check()
      // A snapshot of before the commit would hide it from whoever is told.
      remote = createRemoteWriter(port, { notifications, observer, before: snapshot.release })
      notifications.publish(WRITER_MOVED, undefined)
    },
    async bringWriterBack() {
      const left = remote
      if (!left) return
      remote = undefined
      notifications.publish(WRITER_MOVED, undefined)
      await left.end()
    },
    snapshot,
    watch,
    notifications,
    checkpoint() {
      snapshot.release()
      const row = sqlite
        .query<{ log: number; checkpointed: number }, []>('PRAGMA wal_checkpoint(PASSIVE)')
        .get()
      return row ? row.log - row.checkpointed : 0
    },
    close() {
      snapshot.release()
      transaction.close()
      sqlite.close()
    },
  }
}

function connect(path: string): Sqlite {
  let sqlite: Sqlite | undefined
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    sqlite = new SteadySqlite(path, { create: true, strict: true })
    // Asked before anything is changed, so that another program's file is left as it was.
    if (!isOurs(sqlite)) throw new UnusableDatabase(foreign(path))
    sqlite.run('PRAGMA busy_timeout = 1000')
    sqlite.run('PRAGMA journal_mode = WAL')
    sqlite.run('PRAGMA synchronous = FULL')
    sqlite.run('PRAGMA foreign_keys = ON')
    // After a commit that split a page SQLite looks through all that it keeps (docs/decisions/069).
    sqlite.run('PRAGMA cache_size = -16384')
    sqlite.run('PRAGMA temp_store = MEMORY')
    sqlite.run('PRAGMA journal_size_limit = 67108864')
    // By default every 4 MB, which under load is every few commits: a page written often is then moved often.
    sqlite.run('PRAGMA wal_autocheckpoint = 8192')
    // From here on, waiting inside SQLite would block the event loop; the writer waits outside of it.
    sqlite.run('PRAGMA busy_timeout = 2')
    return sqlite
  } catch (error) {
    sqlite?.close()
    throw isDatabaseFault(error) ? new UnusableDatabase(explainFault(error, path)) : error
  }
}

function foreign(path: string): string {
  return `'${path}' is a database of another program; nothing was changed. Give another DATABASE_URL.`
}
