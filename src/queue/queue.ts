import type { Command, Steps, Tx } from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import { enqueue, isWaiting, type Waiting } from './enqueue.ts'
import {
  type CancelResult,
  createCancel,
  createExpire,
  createFinish,
  type FinishInput,
} from './finish.ts'
import type { JobKind, NewJob } from './job.ts'
import { createRecover, type RecoverInput } from './recover.ts'

/** The durable queue: at-least-once execution, exactly-once effect. */
export interface Queue {
  /** Adds a job in the caller's transaction; undefined where its dedupe key is taken. */
  enqueue(tx: Tx, job: NewJob): Steps<number | undefined>
  /** Whether a concurrency key has a job of this kind that has not begun. */
  isWaiting(tx: Tx, where: Waiting): Steps<boolean>
  /** Cancels in the caller's transaction; see {@link createCancel}. */
  cancel(tx: Tx, id: number): Steps<CancelResult>
  /** Every kind is registered before a worker starts, also where only `ended` is needed. */
  register<B>(kind: JobKind<B>): void
  readonly kinds: ReadonlyMap<string, JobKind>
  readonly commands: {
    cancel: Command<{ id: number; now: number }, CancelResult>
    finish: Command<FinishInput, boolean>
    recover: Command<RecoverInput, boolean>
    expire: Command<{ id: number; now: number }, boolean>
  }
}

export function createQueue({ clock }: { clock: Clock }): Queue {
  const kinds = new Map<string, JobKind>()
  const commands = {
    cancel: createCancel(kinds),
    finish: createFinish(kinds),
    recover: createRecover(kinds),
    expire: createExpire(kinds),
  }
  return {
    kinds,
    commands,
    enqueue: (tx, job) => enqueue.steps(tx, { job, now: clock.now() }),
    isWaiting: (tx, where) => isWaiting.steps(tx, where),
    cancel: (tx, id) => commands.cancel.steps(tx, { id, now: clock.now() }),
    register(kind) {
      if (kinds.has(kind.kind)) throw new Error(`Job kind '${kind.kind}' is registered twice`)
      // Kinds differ in their body, which only their own `parse` produces for their own `run`.
      kinds.set(kind.kind, kind as unknown as JobKind)
    },
  }
}
