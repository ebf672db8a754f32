import type { Database as Sqlite } from 'bun:sqlite'
import type { Transaction } from './transaction.ts'

/** One snapshot for the reads of one turn of the event loop. */
export interface Snapshot {
  /** Takes it, unless it is there, and gives it up when the turn is over. Reading without it is as right. */
  hold(): void
  /** Gives it up at once: a transaction that writes cannot begin inside of it. */
  release(): void
}

/**
 * A read outside of a transaction is one of its own: SQLite locks and unlocks the file around it, three
 * system calls that take longer than a short read itself.
 */
export function createSnapshot(sqlite: Sqlite, transaction: Transaction): Snapshot {
  let held = false
  function release() {
    if (!held) return
    held = false
    // A fault of the disk ends a transaction by itself.
    if (sqlite.inTransaction) transaction.commit()
  }
  return {
    hold() {
      if (held || sqlite.inTransaction) return
      transaction.begin()
      held = true
      setImmediate(release)
    },
    release,
  }
}
