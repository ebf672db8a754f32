import type { Notifications } from '../notifications.ts'
import { fromThrown, type Order, type Report } from './wire.ts'
import type { Submission, WriterObserver } from './writer.ts'

/** One end of a channel to another thread. Text, which JavaScriptCore hands over without a copy. */
export interface Port {
  post(text: string): void
  listen(hear: (text: string) => void): void
  /** Ends the thread at the other end. */
  close(): Promise<void>
}

/** The topic with which a thread is asked to end, and says that it has. */
export const WRITER_END = 'writer.end'

/** The topic that asks for a checkpoint by the thread that makes the commits. */
export const WRITER_CHECKPOINT = 'writer.checkpoint'

/** The topic on which a thread tells what went wrong beside its commits. */
export const WRITER_FAULT = 'writer.fault'

/** The thread that runs the commands, as this one sees it. */
export interface RemoteWriter {
  submit<I, O>(one: Submission<I, O>): void
  /** Says something over there, in order with the commands. */
  tell(topic: string, payload: unknown): void
  /** Resolves when all that was submitted is answered and the thread has closed the database. */
  end(): Promise<void>
}

interface Waiting {
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

/** Sends what one turn of the event loop has gathered together, and tells here of the commits over there. */
export function createRemoteWriter(
  port: Port,
  {
    notifications,
    observer,
    before,
  }: {
    notifications: Notifications
    observer: WriterObserver
    /** Called before anybody is told of a commit. */
    before: () => void
  },
): RemoteWriter {
  const waiting = new Map<number, Waiting>()
  let orders: Order[] = []
  let lastId = 0

  function send(order: Order) {
    if (orders.length === 0) setImmediate(flush)
    orders.push(order)
  }

  function flush() {
    const text = JSON.stringify(orders)
    orders = []
    port.post(text)
  }

  port.listen((text) => {
    // Written by our own host over there.
    const { results, news, committed, refused } = JSON.parse(text) as Report
    before()
    for (const result of results) {
      const one = waiting.get(result.id)
      waiting.delete(result.id)
      if ('error' in result) one?.reject(fromThrown(result.error))
      else one?.resolve(result.value)
    }
    for (const { topic, payload } of news) notifications.publish(topic, payload)
    if (committed) {
      const { commands, durationMs, wrote } = committed
      observer.committed?.(commands, durationMs, wrote)
    }
    if (refused) observer.refused?.(fromThrown(refused.error), refused.commands)
  })

  return {
    submit({ command, input, resolve, reject }) {
      const id = ++lastId
      // The value that comes back under this id is what the command gave.
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      send({ id, run: command.name, input })
    },
    tell: (topic, payload) => send({ tell: topic, payload }),
    async end() {
      const ended = new Promise<void>((resolve) => {
        const stop = notifications.subscribe(WRITER_END, () => {
          stop()
          resolve()
        })
      })
      send({ tell: WRITER_END })
      await ended
      // Statements that nobody has freed keep a closed connection open, until their thread has ended.
      await port.close()
    },
  }
}
