import { type Database, WRITER_MOVED } from '#src/database/sqlite/open.ts'
import type { Writer } from '#src/database/sqlite/writer.ts'
import type { WriterHost } from '#src/database/sqlite/writer-host.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type Claimed, type ClaimInput, claim } from './claim.ts'
import { JOB_READY } from './enqueue.ts'

/** For how many jobs of one kind a worker has room now, and how they are claimed. */
export interface Capacity extends Pick<ClaimInput, 'kind' | 'leaseMs' | 'provider'> {
  slots: number
}

/** What a worker sends to its claimer, in order with its commands. Plain data: the claimer may be on another thread. */
export type WorkerMessage =
  /** Claims from now on. */
  | { type: 'open'; capacities: Capacity[] }
  /** A slot of this kind is free: the next commit fills it. */
  | { type: 'free'; kind: string }
  /** Nothing is left to commit for the job that freed a slot: where no commit has filled it, one is made. */
  | { type: 'over'; kind: string }
  /** Claims now: a job may have fallen due, or come from another process. */
  | { type: 'look'; kind: string }
  /** Claims no more; answered with `closed` when the last claim is answered. */
  | { type: 'close' }

/** What a claimer sends back. */
export type ClaimerMessage =
  | ({ type: 'claimed'; kind: string } & Claimed)
  | { type: 'fault'; kind: string; message: string }
  | { type: 'closed'; capacities: Capacity[] }

/** The topic on which a worker and a claimer on another thread send each other messages. */
const CLAIMS = 'job.claims'

/** Claims on the writer's own thread for the worker on the main one. */
export function hostClaimer({ database, words }: WriterHost, clock: Clock): void {
  const receive = createClaimer({ writer: database, clock }, (message) =>
    database.notifications.publish(CLAIMS, message),
  )
  // Sent by the worker's end over there.
  words.subscribe(CLAIMS, (message) => receive(message as WorkerMessage))
}

/** A worker's connection to its claimer, wherever commits are made. */
export interface ClaimerConnection {
  open(capacities: Capacity[]): void
  send(message: Exclude<WorkerMessage, { type: 'open' | 'close' }>): void
  /** Resolves when every claim was answered. */
  close(): Promise<void>
}

/** Follows the writer where it leaves its thread, as after a lost log, and takes along how many slots are free. */
export function connectClaimer(
  { database, clock }: { database: Database; clock: Clock },
  receive: (message: Exclude<ClaimerMessage, { type: 'closed' }>) => void,
): ClaimerConnection {
  /** Undefined while it moves; what is sent meanwhile waits. */
  let claimer: ((message: WorkerMessage) => void) | undefined
  const unsent: WorkerMessage[] = []
  let unsubscribe = () => {}
  let moved = Promise.resolve()
  let onClosed = (_capacities: Capacity[]) => {}

  function onMessage(message: ClaimerMessage) {
    if (message.type === 'closed') onClosed(message.capacities)
    // The notifications of the commit are published first.
    else queueMicrotask(() => receive(message))
  }

  function enter(capacities: Capacity[]) {
    const { thread, notifications } = database
    if (thread) {
      // Sent by our own claimer over there.
      unsubscribe = notifications.subscribe(CLAIMS, (message) =>
        onMessage(message as ClaimerMessage),
      )
      claimer = (message) => thread.tell(CLAIMS, message)
    } else {
      claimer = createClaimer({ writer: database, clock }, onMessage)
    }
    claimer({ type: 'open', capacities })
    for (const message of unsent.splice(0)) claimer(message)
  }

  async function leave(): Promise<Capacity[]> {
    if (!claimer) return []
    const closed = new Promise<Capacity[]>((resolve) => {
      onClosed = resolve
    })
    claimer({ type: 'close' })
    claimer = undefined
    const capacities = await closed
    unsubscribe()
    return capacities
  }

  async function move() {
    const capacities = await leave()
    enter(capacities)
    // Jobs that became ready meanwhile had no claimer.
    for (const { kind } of capacities) claimer?.({ type: 'look', kind })
  }

  const unfollow = database.notifications.subscribe(WRITER_MOVED, () => {
    if (claimer) moved = move()
  })

  return {
    open: enter,
    send(message) {
      if (claimer) claimer(message)
      else unsent.push(message)
    },
    async close() {
      unfollow()
      await moved
      await leave()
    },
  }
}

/**
 * Claims for one worker, beside the writer: in the very commit that makes a job ready or writes the end of
 * another, so that the job begins as soon as that is durable, and no second commit is waited for.
 */
function createClaimer(
  { writer, clock }: { writer: Writer; clock: Clock },
  send: (message: ClaimerMessage) => void,
): (message: WorkerMessage) => void {
  const capacities = new Map<string, Capacity>()
  const claiming = new Set<string>()
  const again = new Set<string>()
  /** Kinds with a slot that has become free since the last claim. */
  const freed = new Set<string>()
  let isOpen = false
  let stopListening = () => {}

  function fill(kind: string) {
    const capacity = capacities.get(kind)
    if (!isOpen || !capacity) return
    if (claiming.has(kind)) {
      // A wake-up during a claim may be for a job that the claim did not see.
      again.add(kind)
      return
    }
    freed.delete(kind)
    if (capacity.slots < 1) return
    claiming.add(kind)
    const { slots: limit, leaseMs, provider } = capacity
    writer.submit({
      command: claim,
      input: { kind, limit, leaseMs, provider, now: clock.now() },
      resolve(claimed) {
        capacity.slots -= claimed.rows.length
        send({ type: 'claimed', kind, ...claimed })
        done(kind)
      },
      reject(error) {
        send({ type: 'fault', kind, message: error instanceof Error ? error.message : 'unknown' })
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
    if (claiming.size === 0) send({ type: 'closed', capacities: [...capacities.values()] })
  }

  return (message) => {
    switch (message.type) {
      case 'open':
        for (const one of message.capacities) capacities.set(one.kind, { ...one })
        isOpen = true
        stopListening = writer.beforeCommit((published) => {
          const wanted = new Set(freed)
          for (const { topic, payload } of published) {
            if (topic === JOB_READY) wanted.add(String(payload))
          }
          for (const kind of wanted) fill(kind)
        })
        return
      case 'free': {
        const capacity = capacities.get(message.kind)
        if (capacity) capacity.slots += 1
        freed.add(message.kind)
        return
      }
      case 'over':
        if (freed.has(message.kind)) fill(message.kind)
        return
      case 'look':
        fill(message.kind)
        return
      case 'close':
        isOpen = false
        stopListening()
        close()
    }
  }
}
