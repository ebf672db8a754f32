import { createNotifications, type Notifications } from '../notifications.ts'
import { command, commandNamed } from '../steps.ts'
import { type Database, openDatabase } from './open.ts'
import { type Port, WRITER_CHECKPOINT, WRITER_END, WRITER_FAULT } from './remote-writer.ts'
import { type Order, type Report, toThrown } from './wire.ts'

/** The writer's own thread: it opens the database for itself, runs what the port brings and answers each commit. */
export interface WriterHost {
  database: Database
  /** What the main thread tells here. */
  words: Notifications
  /** Begins to hear; until then what is sent waits. */
  start(): void
}

/** Its end comes after that of every command before it. */
const nothing = command('writer.nothing', function* () {})

export function hostWriter(path: string, port: Port): WriterHost {
  const words = createNotifications((error) =>
    database.notifications.publish(WRITER_FAULT, toThrown(error)),
  )
  let report = blank()
  function post() {
    if (report.results.length + report.news.length === 0 && !report.committed && !report.refused) {
      return
    }
    const text = JSON.stringify(report)
    report = blank()
    port.post(text)
  }
  const database = openDatabase(
    path,
    {
      committed(commands, durationMs, wrote) {
        report.committed = { commands, durationMs, wrote }
        post()
      },
      refused(error, commands) {
        report.refused = { error: toThrown(error), commands }
        post()
      },
    },
    {
      publish(topic, payload) {
        report.news.push({ topic, payload })
        // Where no commit comes behind it.
        if (report.news.length === 1) setImmediate(post)
      },
      // Whoever listens does so on the main thread.
      subscribe: () => () => {},
    },
  )

  function obey(order: Order) {
    if ('tell' in order) {
      words.publish(order.tell, order.payload)
      return
    }
    const { id, run, input } = order
    const reject = (error: unknown) => report.results.push({ id, error: toThrown(error) })
    try {
      database.submit({
        command: commandNamed(run),
        // Of this command's type, as `submit` on the main thread took it.
        input: input as never,
        resolve: (value) => report.results.push({ id, value }),
        reject,
      })
    } catch (error) {
      reject(error)
      post()
    }
  }

  words.subscribe(WRITER_CHECKPOINT, () => database.checkpoint())
  words.subscribe(WRITER_END, () => {
    const end = () =>
      // After the report of this last commit.
      setImmediate(() => {
        database.close()
        database.notifications.publish(WRITER_END, null)
      })
    database.submit({ command: nothing, input: undefined, resolve: end, reject: end })
  })

  return {
    database,
    words,
    start() {
      port.listen((text) => {
        // Written by our own remote writer.
        for (const order of JSON.parse(text) as Order[]) obey(order)
      })
    },
  }
}

function blank(): Report {
  return { results: [], news: [] }
}
