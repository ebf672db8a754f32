import type { Command, SyncTx } from '#src/database/command.ts'
import type { Steps, Tx } from '#src/database/steps.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type CancelResult, createCancel } from './cancel.ts'
import { enqueue } from './enqueue.ts'
import { createExpire } from './expire.ts'
import { createFinish, type FinishInput } from './finish.ts'
import type { JobKind, NewJob } from './job.ts'
import { waits } from './lane.ts'
import { createRescue, type RescueInput } from './rescue.ts'

/** The durable queue: at-least-once execution, exactly-once effect. */
export interface Queue {
  /** Adds a job in the caller's transaction; undefined where its dedupe key is taken. */
  enqueue(tx: Tx, job: NewJob): Steps<number | undefined>
  enqueue(tx: SyncTx, job: NewJob): number | undefined
  /** Whether a job of this kind is in the lane that has yet to begin. */
  waits(tx: Tx, place: { lane: string; kind: string }): Steps<boolean>
  waits(tx: SyncTx, place: { lane: string; kind: string }): boolean
  /** Cancels in the caller's transaction; see {@link createCancel}. */
  cancel(tx: Tx, id: number): Steps<CancelResult>
  cancel(tx: SyncTx, id: number): CancelResult
  /** Every kind is registered before a worker starts, also where only `ended` is needed. */
  register<B>(kind: JobKind<B>): void
  readonly kinds: ReadonlyMap<string, JobKind>
  readonly commands: {
    cancel: Command<{ id: number; now: number }, CancelResult>
    finish: Command<FinishInput, boolean>
    rescue: Command<RescueInput, boolean>
    expire: Command<{ id: number; now: number }, boolean>
  }
}

export function createQueue({ clock }: { clock: Clock }): Queue {
  const kinds = new Map<string, JobKind>()
  const commands = {
    cancel: createCancel(kinds),
    finish: createFinish(kinds),
    rescue: createRescue(kinds),
    expire: createExpire(kinds),
  }
  return {
    kinds,
    commands,
    enqueue: eitherForm((job: NewJob) => [enqueue, { job, now: clock.now() }]),
    waits: eitherForm((place: { lane: string; kind: string }) => [waits, place]),
    cancel: eitherForm((id: number) => [commands.cancel, { id, now: clock.now() }]),
    register(kind) {
      if (kinds.has(kind.kind)) throw new Error(`Job kind '${kind.kind}' is registered twice`)
      // Kinds differ in their body, which only their own `parse` produces for their own `run`.
      kinds.set(kind.kind, kind as unknown as JobKind)
    },
  }
}

interface EitherForm<A, O> {
  (tx: Tx, argument: A): Steps<O>
  (tx: SyncTx, argument: A): O
}

/** For callers that are generators and for those that are not yet. */
function eitherForm<A, I, O>(part: (argument: A) => [Command<I, O>, I]): EitherForm<A, O> {
  function run(tx: Tx, argument: A): Steps<O>
  function run(tx: SyncTx, argument: A): O
  function run(tx: Tx | SyncTx, argument: A): Steps<O> | O {
    const [command, input] = part(argument)
    return 'call' in tx ? tx.call(command, input) : tx.run(command, input)
  }
  return run
}
