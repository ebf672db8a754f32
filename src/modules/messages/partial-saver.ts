import type { Clock } from '#src/lib/clock.ts'

/** Between two writes of a growing reply. */
export const SAVE_EVERY_MS = 250

export interface PartialSaver {
  /** The text has grown; it is written at once or with what comes within the interval. */
  grow(text: string): void
  /** Set when a write found that the claim holds the job no more. */
  readonly isLost: boolean
  /** Writes no more; resolves when the last write is over. */
  stop(): Promise<void>
}

/** Writes a growing text now and then; `save` gives false when the text is no longer ours to write. */
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

  async function write() {
    saved = latest
    try {
      if (!(await save(saved))) isLost = true
    } catch {
      // The database cannot take it now; the next write holds this text too.
      saved = ''
    }
    writing = undefined
    if (isStopped) return
    cancelTimer = clock.after(SAVE_EVERY_MS, () => {
      cancelTimer = undefined
      if (latest !== saved) writing = write()
    })
  }

  return {
    get isLost() {
      return isLost
    },
    grow(text) {
      latest = text
      if (!isStopped && !isLost && !writing && !cancelTimer) writing = write()
    },
    async stop() {
      isStopped = true
      cancelTimer?.()
      await writing
    },
  }
}
