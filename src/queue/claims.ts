import { type Database, WRITER_MOVED } from '#src/database/sqlite/open.ts'
import type { WriterHost } from '#src/database/sqlite/writer-host.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type ClaimEvent, type ClaimWord, createClaimer, type Standing } from './claimer.ts'

/** The topic of what a worker and a claimer on another thread say to each other. */
const CLAIMS = 'job.claims'

/** Claims on the writer's own thread for the worker on the main one. */
export function hostClaims({ database, words }: WriterHost, clock: Clock): void {
  const claim = createClaimer({ writer: database, clock }, (event) =>
    database.notifications.publish(CLAIMS, event),
  )
  // Said by the worker's claims over there.
  words.subscribe(CLAIMS, (word) => claim(word as ClaimWord))
}

/** A worker's way to its claimer, wherever commits are made. */
export interface Claims {
  open(standing: Standing[]): void
  say(word: Exclude<ClaimWord, { say: 'open' | 'close' }>): void
  /** Resolves when every claim was answered. */
  close(): Promise<void>
}

/** Follows the writer when it moves to a thread or back, and takes along how many slots are free. */
export function createClaims(
  { database, clock }: { database: Database; clock: Clock },
  answer: (event: Exclude<ClaimEvent, { on: 'closed' }>) => void,
): Claims {
  /** Undefined while it moves; what is said meanwhile waits. */
  let claimer: ((word: ClaimWord) => void) | undefined
  const unheard: ClaimWord[] = []
  let unlisten = () => {}
  let moved = Promise.resolve()
  let onClosed = (_standing: Standing[]) => {}

  function hear(event: ClaimEvent) {
    if (event.on === 'closed') onClosed(event.standing)
    // The news of the commit come first.
    else queueMicrotask(() => answer(event))
  }

  function enter(standing: Standing[]) {
    const { thread, notifications } = database
    if (thread) {
      // Said by our own claimer over there.
      unlisten = notifications.subscribe(CLAIMS, (event) => hear(event as ClaimEvent))
      claimer = (word) => thread.tell(CLAIMS, word)
    } else {
      claimer = createClaimer({ writer: database, clock }, hear)
    }
    claimer({ say: 'open', standing })
    for (const word of unheard.splice(0)) claimer(word)
  }

  async function leave(): Promise<Standing[]> {
    if (!claimer) return []
    const closed = new Promise<Standing[]>((resolve) => {
      onClosed = resolve
    })
    claimer({ say: 'close' })
    claimer = undefined
    const standing = await closed
    unlisten()
    return standing
  }

  async function move() {
    const standing = await leave()
    enter(standing)
    // What became ready meanwhile was told to nobody.
    for (const { kind } of standing) claimer?.({ say: 'look', kind })
  }

  const unfollow = database.notifications.subscribe(WRITER_MOVED, () => {
    if (claimer) moved = move()
  })

  return {
    open: enter,
    say(word) {
      if (claimer) claimer(word)
      else unheard.push(word)
    },
    async close() {
      unfollow()
      await moved
      await leave()
    },
  }
}
