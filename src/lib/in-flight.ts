import type { ConnectionGuard } from '#src/lib/open-files.ts'
import { problem } from '#src/lib/problem.ts'

/** An answer that waits for its reader counts one for each of these. */
const UNIT_BYTES = 64 * 1024
/** Handed to the connection at a time, and no more before the client has read it. */
const PIECE_BYTES = UNIT_BYTES
const RETRY_AFTER_SECONDS = '1'

/** What one subject (a user, a network) has in flight: requests that are being answered and answers that are not read. */
export interface InFlight {
  /** @throws Problem 429 where the subject has as many as it may, 503 where few connections are left */
  enter(subject: string): Slot
  /** For tests. */
  countOf(subject: string): number
}

/** One request in flight. */
export interface Slot {
  /** The answer is with the operating system, or there is none. Does nothing once `send` has taken over. */
  leave(): void
  /**
   * A body of known size that keeps its place until the client has read it or is gone. Bun copies a body that is not read
   * at once, and says nothing of when it was.
   * @param isShared the bytes are kept anyway, so that an answer costs its next piece only and counts as one request
   * @throws Problem 429 where the subject already leaves too much unread
   */
  send(bytes: Uint8Array, isShared?: boolean): ReadableStream<Uint8Array>
}

export interface InFlightOptions {
  /** Of the limit, in RateLimit-Policy. */
  name: string
  /** Requests, and units of 64 KB that are not read, at once. */
  most: number
  /** Of the refusal. */
  headers?: Record<string, string>
  /** Asked for each that enters, where connections stay open long. */
  connections?: ConnectionGuard
}

/** Counts in memory, as what is counted lives in this process. */
export function createInFlight({ name, most, headers, connections }: InFlightOptions): InFlight {
  const counts = new Map<string, number>()
  const countOf = (subject: string) => counts.get(subject) ?? 0

  function add(subject: string, units: number) {
    const count = countOf(subject) + units
    if (count > 0) counts.set(subject, count)
    else counts.delete(subject)
  }

  /** The quota unit is that of draft-ietf-httpapi-ratelimit-headers, section 4.1. */
  const refusal = () =>
    problem('too-many-at-once', {
      detail: `At most ${most} of these may be open at once. Close or read some, then try again.`,
      headers: {
        'retry-after': RETRY_AFTER_SECONDS,
        'ratelimit-policy': `"${name}";q=${most};qu="concurrent-requests"`,
        ratelimit: `"${name}";r=0`,
        ...headers,
      },
    })

  return {
    countOf,
    enter(subject) {
      if (countOf(subject) >= most) throw refusal()
      const disconnected = connections?.admit()
      let held = 1
      let isSending = false
      add(subject, held)
      function release() {
        if (held === 0) return
        add(subject, -held)
        held = 0
        disconnected?.()
      }
      return {
        leave() {
          if (!isSending) release()
        },
        send(bytes, isShared = false) {
          const units = (isShared ? 1 : Math.max(1, Math.ceil(bytes.length / UNIT_BYTES))) - held
          // One that is alone goes out whatever its size: nothing may be unreachable.
          if (countOf(subject) > held && countOf(subject) + units > most) {
            throw refusal()
          }
          add(subject, units)
          held += units
          isSending = true
          return inPieces(bytes, release)
        },
      }
    },
  }
}

/**
 * The next piece is taken only when the client has read what went before. The first is there from the start: Bun then
 * sends it with the header fields in two system calls, while a body of 16 KB or more that is no stream takes one for each
 * part of each field (docs/traps.md).
 */
function inPieces(bytes: Uint8Array, end: () => void): ReadableStream<Uint8Array> {
  let at = 0
  function next(controller: ReadableStreamDefaultController<Uint8Array>) {
    controller.enqueue(bytes.subarray(at, at + PIECE_BYTES))
    at += PIECE_BYTES
    if (at < bytes.length) return
    end()
    controller.close()
  }
  return new ReadableStream<Uint8Array>(
    { start: next, pull: next, cancel: end },
    { highWaterMark: 0 },
  )
}
