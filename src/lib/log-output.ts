import { writeSync } from 'node:fs'
import type { DestinationStream } from 'pino'
import { type Clock, systemClock } from './clock.ts'

/** What may wait for a reader that does not keep up; what comes past it is lost, and how much is told. */
const KEPT_BYTES = 8 * 1024 * 1024
const RETRY_MS = 20
/** Where something went in meanwhile: a pipe holds 64 KB, which a reader takes at once. */
const SOON_MS = 1
/** At the end of the process, each as long as RETRY_MS. */
const LAST_TRIES = 50
const NEWLINE = 10
/** The reader has gone, or there never was one: nobody will ever read on. */
const FOR_GOOD = new Set<unknown>(['EPIPE', 'EBADF'])

export interface LogOutput extends DestinationStream {
  /** The last tries, which wait for the reader: for the end of the process. */
  end(): void
}

/**
 * Writes to a file descriptor at once, and what does not go in later. Bun's standard output to a pipe does not block:
 * it refuses (EAGAIN) what its reader has no room for. pino's own destination then sleeps and tries again, for
 * ever, so that a log collector which stops reading stops the server (docs/decisions/079).
 */
export function createLogOutput({
  write = (bytes) => writeSync(1, bytes),
  clock = systemClock,
  sleep = Bun.sleepSync,
}: {
  /** Gives how many of the bytes went in; throws where none did. */
  write?: (bytes: Uint8Array) => number
  clock?: Pick<Clock, 'after' | 'now'>
  /** Blocks for so many milliseconds. */
  sleep?: (ms: number) => void
} = {}): LogOutput {
  const waiting: Uint8Array[] = []
  let waitingBytes = 0
  let lostLines = 0
  let isClosed = false

  /** What is left of the bytes; nothing where all went in. */
  function attempt(bytes: Uint8Array): Uint8Array {
    try {
      return bytes.subarray(write(bytes))
    } catch (error) {
      // Anything else, a full disk too, may pass.
      if (error instanceof Error && 'code' in error) isClosed = FOR_GOOD.has(error.code)
      return isClosed ? bytes.subarray(bytes.length) : bytes
    }
  }

  function keep(bytes: Uint8Array) {
    if (waiting.length === 0) clock.after(RETRY_MS, retry)
    waiting.push(bytes)
    waitingBytes += bytes.length
  }

  function drain() {
    while (waiting[0]) {
      const left = attempt(waiting[0])
      waitingBytes -= waiting[0].length - left.length
      if (left.length > 0) {
        waiting[0] = left
        return
      }
      waiting.shift()
    }
  }

  function retry() {
    const before = waitingBytes
    drain()
    if (waiting.length > 0) clock.after(waitingBytes < before ? SOON_MS : RETRY_MS, retry)
    else if (lostLines > 0) tellLost()
  }

  function tellLost() {
    const time = new Date(clock.now()).toISOString()
    const entry = {
      level: 'warn',
      time,
      lines: lostLines,
      msg: 'log lines were lost: nobody read them',
    }
    lostLines = 0
    put(Buffer.from(`${JSON.stringify(entry)}\n`))
  }

  function put(bytes: Uint8Array) {
    if (isClosed) return
    if (waitingBytes + bytes.length > KEPT_BYTES) {
      for (const byte of bytes) if (byte === NEWLINE) lostLines++
      return
    }
    const left = waiting.length === 0 ? attempt(bytes) : bytes
    if (left.length > 0) keep(left)
  }

  return {
    write: (text) => put(Buffer.from(text)),
    end() {
      for (let tries = 0; tries < LAST_TRIES; tries++) {
        drain()
        if (waiting.length === 0) return
        sleep(RETRY_MS)
      }
    },
  }
}
