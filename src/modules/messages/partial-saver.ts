import type { Clock } from '#src/lib/clock.ts'

/** How long after it has grown a text is written, with all that came meanwhile. */
export const SAVE_EVERY_MS = 250
/** Up to this length a text is written at each interval: it fits a page of the file, which is written as a whole anyway. */
const SMALL = 4_096
/** A longer text is written once it has grown by this share, so that all writes together are five times its length. */
const GROWN_BY = 1 / 4

export interface PartialSaver {
  /** The text has grown; it is written when the interval is over, or once it has grown enough. */
  grow(text: string): void
  /** Set when a write found that this attempt no longer holds the job. */
  readonly isLost: boolean
  /** Stops writing; resolves when the last write is over. */
  stop(): Promise<void>
}

/** Writes a growing text at intervals; `save` resolves to false when another attempt has taken over the text. */
export function createPartialSaver(
  clock: Clock,
  save: (text: string) => Promise<boolean>,
): PartialSaver {
  let latest = ''
  let saved = ''
  let isLost = false
  let isStopped = false
  let writing: Promise<void> | undefined
  let cancelTimer: (() => void) | undefined

  function isDue(): boolean {
    const grown = latest.length - saved.length
    return grown > 0 && (saved.length < SMALL || grown >= saved.length * GROWN_BY)
  }

  /** Never at once: the commit would delay the delivery of the piece to its readers. */
  function schedule() {
    if (isStopped || isLost || writing || cancelTimer || !isDue()) return
    cancelTimer = clock.after(SAVE_EVERY_MS, () => {
      cancelTimer = undefined
      writing = write()
    })
  }

  async function write() {
    saved = latest
    try {
      if (!(await save(saved))) isLost = true
    } catch {
      // The database cannot take it now; the next write includes this text.
      saved = ''
    }
    writing = undefined
    schedule()
  }

  return {
    get isLost() {
      return isLost
    },
    grow(text) {
      latest = text
      schedule()
    },
    async stop() {
      isStopped = true
      cancelTimer?.()
      await writing
    },
  }
}
