import type { Database as Sqlite } from 'bun:sqlite'

/** What bounds a transaction, prepared once: SQLite takes longer to read these words than to obey them. */
export interface Transaction {
  /** For reading: takes its snapshot at the first read. */
  begin(): void
  /** For writing. @throws SQLITE_BUSY while another process writes */
  beginWriting(): void
  commit(): void
  rollback(): void
  /** Rows changed since the connection was opened, also by what was rolled back since. */
  changes(): number
  /** Runs `work` in a savepoint that is undone when it throws; SQLite may then have ended the whole transaction. */
  guard<T>(work: () => T): T
  /** A closed connection refuses what is prepared only once that is freed. */
  close(): void
}

export function prepareTransaction(sqlite: Sqlite): Transaction {
  const changes = sqlite.prepare<{ count: number }, []>('SELECT total_changes() AS count')
  const words = {
    begin: sqlite.prepare('BEGIN'),
    beginWriting: sqlite.prepare('BEGIN IMMEDIATE'),
    commit: sqlite.prepare('COMMIT'),
    rollback: sqlite.prepare('ROLLBACK'),
    save: sqlite.prepare('SAVEPOINT command'),
    undo: sqlite.prepare('ROLLBACK TO command'),
    release: sqlite.prepare('RELEASE command'),
  }
  return {
    begin: () => void words.begin.run(),
    beginWriting: () => void words.beginWriting.run(),
    commit: () => void words.commit.run(),
    rollback: () => void words.rollback.run(),
    changes: () => changes.get()?.count ?? 0,
    guard(work) {
      words.save.run()
      try {
        const value = work()
        words.release.run()
        return value
      } catch (error) {
        // A full disk or an I/O error makes SQLite roll the whole transaction back by itself.
        if (sqlite.inTransaction) {
          words.undo.run()
          words.release.run()
        }
        throw error
      }
    },
    close() {
      for (const word of [changes, ...Object.values(words)]) word.finalize()
    },
  }
}
