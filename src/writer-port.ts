import type { Config } from './config/config.ts'
import type { Port } from './database/sqlite/remote-writer.ts'

/** A thread that is starting. What is posted to its port meanwhile waits there. */
export interface WriterThread {
  port: Port
  /** Rejects where the thread cannot start. */
  ready: Promise<void>
}

/**
 * Starts the writer's thread and the one that moves its log; they cost about 13 MB in the binary. The end of either
 * before it is asked to end is the end of the process: its next start finds everything that was acknowledged.
 */
export function startWriterThread(config: Config): WriterThread {
  // Beside this file in the source as in the binary, where each is an entry of its own.
  const writer = new Worker(new URL('./writer-thread.ts', import.meta.url).href, { ref: false })
  const mover = new Worker(new URL('./checkpoint-thread.ts', import.meta.url).href, { ref: false })
  let isClosing = false
  writer.postMessage(JSON.stringify(config))
  mover.postMessage(config.databasePath)
  for (const thread of [writer, mover]) {
    thread.addEventListener('close', () => {
      if (!isClosing) throw new Error("The writer's thread ended")
    })
  }
  let isReady = false
  let hear = (_text: string) => {}
  const started = Promise.withResolvers<void>()
  let isLooking = false
  const moverStarted = Promise.withResolvers<void>()
  mover.onmessage = () => {
    moverStarted.resolve()
    isLooking = false
  }
  writer.onmessage = ({ data }: MessageEvent<string>) => {
    if (!isReady) {
      isReady = true
      started.resolve()
      return
    }
    hear(data)
    if (isLooking) return
    isLooking = true
    mover.postMessage('')
  }
  for (const [thread, { reject }] of [
    [writer, started],
    [mover, moverStarted],
  ] as const) {
    thread.onerror = ({ message }) => {
      const error = new Error(`The writer's thread failed: ${message}`)
      reject(error)
      throw error
    }
  }
  return {
    ready: Promise.all([started.promise, moverStarted.promise]).then(() => {}),
    port: {
      post: (text) => writer.postMessage(text),
      listen(listener) {
        hear = listener
      },
      async close() {
        isClosing = true
        await Promise.all([end(writer), end(mover)])
      },
    },
  }
}

async function end(thread: Worker): Promise<void> {
  const closed = new Promise((resolve) => {
    thread.addEventListener('close', resolve, { once: true })
  })
  thread.terminate()
  await closed
}
