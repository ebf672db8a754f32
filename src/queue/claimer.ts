import type { Writer } from '#src/database/sqlite/writer.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type Claimed, claim } from './claim.ts'
import { JOB_READY } from './enqueue.ts'
import type { ProviderLimit } from './provider.ts'

/** How jobs of one kind are claimed for a worker, and for how many it has room now. */
export interface Standing {
  kind: string
  slots: number
  leaseMs: number
  provider?: ProviderLimit | undefined
}

/** What a worker says to its claimer, in order with its commands. Plain data: the claimer may be on another thread. */
export type ClaimWord =
  /** Claims from now on. */
  | { say: 'open'; standing: Standing[] }
  /** A slot of this kind is free: the next commit fills it. */
  | { say: 'free'; kind: string }
  /** Nothing is left to commit for the job that freed a slot: where no commit has filled it, one is made. */
  | { say: 'over'; kind: string }
  /** Claims now: a job may have fallen due, or come from another process. */
  | { say: 'look'; kind: string }
  /** Claims no more; answered with `closed` when the last claim is answered. */
  | { say: 'close' }

/** What it answers. */
export type ClaimEvent =
  | ({ on: 'claimed'; kind: string } & Claimed)
  | { on: 'fault'; kind: string; message: string }
  | { on: 'closed'; standing: Standing[] }

/**
 * Claims for one worker, beside the writer: in the very commit that makes a job ready or writes the end of
 * another, so that the job begins as soon as that is durable, and no second commit is waited for.
 */
export function createClaimer(
  { writer, clock }: { writer: Writer; clock: Clock },
  answer: (event: ClaimEvent) => void,
): (word: ClaimWord) => void {
  const standing = new Map<string, Standing>()
  const claiming = new Set<string>()
  const again = new Set<string>()
  /** Kinds with a slot that has become free since the last claim. */
  const freed = new Set<string>()
  let isOpen = false
  let unlisten = () => {}

  function fill(kind: string) {
    const order = standing.get(kind)
    if (!isOpen || !order) return
    if (claiming.has(kind)) {
      // A wake-up during a claim may be for a job that the claim did not see.
      again.add(kind)
      return
    }
    freed.delete(kind)
    if (order.slots < 1) return
    claiming.add(kind)
    const { slots: limit, leaseMs, provider } = order
    writer.submit({
      command: claim,
      input: { kind, limit, leaseMs, provider, now: clock.now() },
      resolve(claimed) {
        order.slots -= claimed.rows.length
        answer({ on: 'claimed', kind, ...claimed })
        done(kind)
      },
      reject(error) {
        answer({ on: 'fault', kind, message: error instanceof Error ? error.message : 'unknown' })
        done(kind)
      },
    })
  }

  function done(kind: string) {
    claiming.delete(kind)
    if (again.delete(kind)) fill(kind)
    if (!isOpen) close()
  }

  function close() {
    if (claiming.size === 0) answer({ on: 'closed', standing: [...standing.values()] })
  }

  return (word) => {
    switch (word.say) {
      case 'open':
        for (const order of word.standing) standing.set(order.kind, { ...order })
        isOpen = true
        unlisten = writer.beforeCommit((news) => {
          const wanted = new Set(freed)
          for (const { topic, payload } of news) {
            if (topic === JOB_READY) wanted.add(String(payload))
          }
          for (const kind of wanted) fill(kind)
        })
        return
      case 'free': {
        const order = standing.get(word.kind)
        if (order) order.slots += 1
        freed.add(word.kind)
        return
      }
      case 'over':
        if (freed.has(word.kind)) fill(word.kind)
        return
      case 'look':
        fill(word.kind)
        return
      case 'close':
        isOpen = false
        unlisten()
        close()
    }
  }
}
