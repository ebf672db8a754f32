import type { Connection } from '../connection.ts'
import { isBusy } from '../fault.ts'
import type { Notifications } from '../notifications.ts'
import { type Command, runSteps, StepTx } from '../steps.ts'
import type { Snapshot } from './snapshot.ts'
import type { Transaction } from './transaction.ts'

/** How long a flush waits for another process to end its write before its commands are refused. */
const BUSY_DEADLINE_MS = 5_000
const BUSY_RETRY_MS = 5

/** A command, and who is told of its end. */
export interface Submission<I, O> {
  command: Command<I, O>
  input: I
  resolve: (value: O) => void
  reject: (error: unknown) => void
}

type Pending = Submission<never, unknown>

/** What a command tells once it is committed. */
export interface News {
  topic: string
  payload: unknown
}

export interface WriterObserver {
  /** After each commit: how many commands it held, how long it blocked the loop, and whether it wrote a row. */
  committed?(commands: number, durationMs: number, wrote: boolean): void
  /** After each commit that failed, with how many commands were refused for it. */
  refused?(error: unknown, commands: number): void
  /** After the commit and before anybody is told: throws where what was committed will not be found again. */
  verify?(): void
}

export interface Writer {
  /**
   * Runs the command in the next group commit. Resolves once the commit is durable; rejects with what the
   * command threw (its neighbours are not touched) or with the fault of the commit (all are).
   */
  submit<I, O>(one: Submission<I, O>): void
  /**
   * Calls the listener each time the commands of a commit have run, with what it will tell. Whatever the
   * listener executes joins that commit and is settled first, a turn of the event loop before the others. Gives what
   * ends it.
   */
  beforeCommit(listener: (news: readonly News[]) => void): () => void
}

interface Attempt {
  /** Each command in a savepoint of its own. */
  apart?: boolean
  /** Those who listen before a commit were asked; what they executed is in the batch. */
  heard?: boolean
  /** Since when another process holds the lock. */
  busySince?: number
}

/** Group commit: the commands that arrive in one turn of the event loop share one transaction. */
export function createWriter(
  connection: Connection & { transaction: Transaction; snapshot: Snapshot },
  notifications: Notifications,
  observer: WriterObserver = {},
): Writer {
  const { sqlite, transaction, snapshot } = connection
  const listeners = new Set<(news: readonly News[]) => void>()
  let pending: Pending[] = []
  let scheduled = false

  function schedule() {
    if (scheduled) return
    scheduled = true
    // After the sockets that are ready now, so that their requests share this commit.
    setImmediate(() => flush())
  }

  /**
   * All together at first, without savepoints: SQLite would copy each page that a command touches. Where one
   * throws that has written, nothing is kept, and all of them run once more `apart`, each in a savepoint.
   */
  function flush({ apart = false, heard = false, busySince }: Attempt = {}) {
    const startedAt = performance.now()
    try {
      snapshot.release()
      transaction.beginWriting()
    } catch (error) {
      const since = busySince ?? startedAt
      if (isBusy(error) && startedAt - since < BUSY_DEADLINE_MS) {
        setTimeout(() => flush({ apart, heard, busySince: since }), BUSY_RETRY_MS)
        return
      }
      refuse(take(), error)
      return
    }
    const batch = take()
    const changes = transaction.changes()
    const outbox: News[] = []
    const settled: (() => void)[] = []
    /** Of those that came last. */
    let settledFirst: (() => void)[] = []
    const runOne = apart ? runApart : runTogether
    let isHeard = heard
    let isRun = false
    try {
      for (const one of batch) settled.push(runOne(one, outbox))
      if (!isHeard) {
        isHeard = true
        const last = comeLast(outbox)
        batch.push(...last)
        settledFirst = last.map((one) => runOne(one, outbox))
      }
      isRun = true
      transaction.commit()
      observer.verify?.()
    } catch (error) {
      if (sqlite.inTransaction) transaction.rollback()
      if (isRun || apart) {
        refuse(batch, error)
        return
      }
      pending = [...batch, ...pending]
      scheduled = true
      flush({ apart: true, heard: isHeard })
      return
    }
    const durationMs = performance.now() - startedAt
    const settleCallers = () => {
      for (const settle of settled) settle()
    }
    const tellNews = () => {
      for (const { topic, payload } of outbox) notifications.publish(topic, payload)
    }
    const wrote = transaction.changes() !== changes
    const tellObserver = () => observer.committed?.(batch.length, durationMs, wrote)
    if (settledFirst.length === 0) {
      settleCallers()
      tellNews()
      tellObserver()
      return
    }
    // A job claimed in this commit asks its provider within this turn of the loop, before the answer to its prompt is
    // written. The next turn is booked first: a claim may submit another, and the next commit would come before it.
    setImmediate(() => {
      settleCallers()
      tellObserver()
    })
    for (const settle of settledFirst) settle()
    tellNews()
  }

  function comeLast(outbox: News[]): Pending[] {
    // So that what they execute now does not schedule a commit of its own.
    scheduled = true
    for (const listener of listeners) listener(outbox)
    return take()
  }

  /** Throws where nothing of the batch can be kept. */
  function runTogether(one: Pending, outbox: News[]): () => void {
    const changes = transaction.changes()
    const told = outbox.length
    try {
      const value = run(one, outbox)
      return () => one.resolve(value)
    } catch (error) {
      // What refuses before it writes, as most refusals do, has nothing to undo.
      if (!sqlite.inTransaction || transaction.changes() !== changes) throw error
      outbox.length = told
      return () => one.reject(error)
    }
  }

  /** Throws only what ends the whole transaction. */
  function runApart(one: Pending, outbox: News[]): () => void {
    const told: News[] = []
    try {
      const value = transaction.guard(() => run(one, told))
      outbox.push(...told)
      return () => one.resolve(value)
    } catch (error) {
      if (!sqlite.inTransaction) throw error
      return () => one.reject(error)
    }
  }

  function run({ command, input }: Pending, outbox: News[]): unknown {
    const tx = new StepTx((topic, payload) => outbox.push({ topic, payload }))
    return runSteps(command.steps(tx, input), connection.answer)
  }

  function refuse(batch: Pending[], error: unknown) {
    for (const { reject } of batch) reject(error)
    observer.refused?.(error, batch.length)
  }

  function take(): Pending[] {
    const batch = pending
    pending = []
    scheduled = false
    return batch
  }

  function submit<I, O>(one: Submission<I, O>) {
    // Each is run with its own input and resolved with its own output, whatever their types.
    pending.push(one as unknown as Pending)
    schedule()
  }

  return {
    submit,
    beforeCommit(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
