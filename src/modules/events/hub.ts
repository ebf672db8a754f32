import type { Notifications } from '#src/database/notifications.ts'
import type { Clock } from '#src/lib/clock.ts'
import { createFairTicks } from '#src/lib/fair-ticks.ts'
import { createInFlight } from '#src/lib/in-flight.ts'
import type { Log } from '#src/lib/log.ts'
import type { Meters } from '#src/lib/meters.ts'
import type { ConnectionGuard } from '#src/lib/open-files.ts'
import { SECOND } from '#src/lib/time.ts'
import { roomTopic, userTopic } from '#src/plugins/topics.ts'
import { HEARTBEAT, RETRY } from './frames.ts'
import type { Reader } from './reader.ts'

const HEARTBEAT_MS = 15 * SECOND
/** Consecutive heartbeats that a reader may leave unread before its connection is dropped. */
const UNREAD_HEARTBEATS = 2
/** For a client with too many streams; a browser's EventSource gives up at a 429 and does not repeat it. */
const RETRY_AFTER_SECONDS = '15'

export interface Stream {
  roomId: string
  userId: string
  reader: Reader
  /** Asked when a session of the user ends, and with each heartbeat, as it may have ended in another process. */
  isAllowed: () => Promise<boolean>
}

/** The open streams of this process. */
export interface EventHub {
  /** @throws Problem 429 where the user has as many streams open as they may, 503 where few connections are left */
  open(stream: Stream): ReadableStream<Uint8Array>
  /** A new day has begun: sends every reader its quota if it has changed. */
  refreshQuotas(): void
  /** Ends every stream, as when the server stops; clients connect again elsewhere. */
  close(): void
  readonly size: number
}

interface Open {
  beat(): void
  refreshQuota(): void
  end(): void
}

/** One timer serves the heartbeats of all streams, so that thousands of idle ones cost nearly nothing. */
export function createEventHub({
  notifications,
  clock,
  meters,
  log,
  perUser,
  connections,
}: {
  notifications: Notifications
  clock: Clock
  meters: Meters
  log: Pick<Log, 'error'>
  /** Streams that one user may have open. */
  perUser: number
  connections: ConnectionGuard
}): EventHub {
  const ofUsers = createInFlight({
    name: 'streams',
    most: perUser,
    headers: { 'retry-after': RETRY_AFTER_SECONDS, connection: 'close' },
    connections,
  })
  // A client that resumes far back reads as fast as the server can send.
  const fairTicks = createFairTicks({ perTick: 1, shortTickMs: 0 })
  const streams = new Set<Open>()
  const encoder = new TextEncoder()
  let stopBeating: (() => void) | undefined

  function add(one: Open) {
    streams.add(one)
    stopBeating ??= clock.every(HEARTBEAT_MS, () => {
      for (const each of [...streams]) each.beat()
    })
  }

  function remove(one: Open) {
    streams.delete(one)
    if (streams.size > 0) return
    stopBeating?.()
    stopBeating = undefined
  }

  return {
    get size() {
      return streams.size
    },
    refreshQuotas() {
      for (const each of [...streams]) each.refreshQuota()
    },
    close() {
      for (const each of [...streams]) each.end()
    },
    open({ roomId, userId, reader, isAllowed }) {
      const place = ofUsers.enter(userId)
      let controller: ReadableStreamDefaultController<Uint8Array>
      let unread = 0
      let isOver = false
      let isPumpDue = false
      let isPumping = false
      /** Pieces that calls of `pump` have asked for since the running one began to write. */
      let askedMeanwhile = 0
      const left = meters.reader()

      /** A fault, for example of a read, ends this stream and not the process; its client connects again. */
      async function safely(run: () => Promise<void>): Promise<void> {
        try {
          await run()
        } catch (error) {
          // A read that the end of the stream overtook may find the database closed.
          if (isOver) return
          log.error({ err: error }, 'a stream failed')
          finish(() => controller.error())
        }
      }

      /**
       * Writes the frames that the reader lacks as long as the client takes them; the rest stays in the database and is
       * not buffered. Only one call reads at a time, as frames must keep their order; it also serves the calls that come
       * while it runs.
       */
      async function pump(mostPieces = Number.POSITIVE_INFINITY): Promise<void> {
        askedMeanwhile = Math.max(askedMeanwhile, mostPieces)
        if (isPumping) return
        isPumping = true
        try {
          while (askedMeanwhile > 0) {
            const most = askedMeanwhile
            askedMeanwhile = 0
            await write(most)
          }
        } finally {
          isPumping = false
        }
      }

      async function write(mostPieces: number): Promise<void> {
        for (let at = 0; at < mostPieces && !isOver && (controller.desiredSize ?? 0) > 0; at++) {
          const frames = await reader.next()
          if (isOver) return
          if (frames === undefined) return finish(() => controller.close())
          if (frames === '') return
          controller.enqueue(encoder.encode(frames))
        }
      }

      /** Reads all changes of a commit at once, and after the job that it made ready has called its provider. */
      function pumpSoon() {
        if (isPumpDue) return
        isPumpDue = true
        setImmediate(() => {
          isPumpDue = false
          void safely(pump)
        })
      }

      function finish(how: () => void) {
        if (isOver) return
        isOver = true
        for (const unsubscribe of unsubscribes) unsubscribe()
        remove(one)
        place.leave()
        left()
        how()
      }

      async function endUnlessAllowed() {
        if (!(await isAllowed())) finish(() => controller.close())
      }

      async function beat() {
        await endUnlessAllowed()
        if (isOver) return
        if ((controller.desiredSize ?? 0) > 0) {
          unread = 0
          controller.enqueue(encoder.encode(HEARTBEAT))
        } else if (++unread >= UNREAD_HEARTBEATS) {
          // An error instead of an end: it drops the connection together with what is left unread.
          finish(() => controller.error())
        }
      }

      const one: Open = {
        refreshQuota() {
          reader.markQuota()
          void safely(pump)
        },
        beat: () => void safely(beat),
        end: () => finish(() => controller.close()),
      }
      const unsubscribes = [
        notifications.subscribe(roomTopic(roomId), (change) => {
          if (change !== 'stored') {
            void safely(pump)
            return
          }
          reader.markStored()
          pumpSoon()
        }),
        notifications.subscribe(userTopic(userId), (change) => {
          if (change === 'session') {
            void safely(endUnlessAllowed)
            return
          }
          reader.markQuota()
          pumpSoon()
        }),
      ]
      add(one)
      return new ReadableStream<Uint8Array>({
        start(given) {
          controller = given
          controller.enqueue(encoder.encode(RETRY))
        },
        async pull() {
          await fairTicks.begin(userId)
          await safely(() => pump(1))
        },
        cancel: () => finish(() => {}),
      })
    },
  }
}
