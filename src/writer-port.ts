import type { Config } from './config/config.ts'
import type { Port } from './database/sqlite/remote-writer.ts'

/**
 * Starts the writer's thread and the one that moves its log; they cost about 13 MB in the binary. The writer's
 * end before it is asked to is the end of the process.
 */
export async function startWriterThread(config: Config): Promise<Port> {
  // Beside this file in the source as in the binary, where each is an entry of its own.
  const writer = new Worker(new URL('./writer-thread.ts', import.meta.url).href, { ref: false })
  const mover = new Worker(new URL('./checkpoint-thread.ts', import.meta.url).href, { ref: false })
  let isClosing = false
  const close = async () => {
    isClosing = true
    await Promise.all([end(writer), end(mover)])
  }
  try {
    await Promise.all([ready(writer, JSON.stringify(config)), ready(mover, config.databasePath)])
  } catch (error) {
    await close()
    throw error
  }
  for (const thread of [writer, mover]) {
    thread.onerror = ({ message }) => {
      throw new Error(`The writer's thread failed: ${message}`)
    }
    thread.addEventListener('close', () => {
      if (!isClosing) throw new Error("The writer's thread ended")
    })
  }
  let isLooking = false
  mover.onmessage = () => {
    isLooking = false
  }
  return {
    post: (text) => writer.postMessage(text),
    listen(hear) {
      writer.onmessage = ({ data }: MessageEvent<string>) => {
        hear(data)
        if (isLooking) return
        isLooking = true
        mover.postMessage('')
      }
    },
    close,
  }
}

async function ready(thread: Worker, told: string): Promise<void> {
  thread.postMessage(told)
  await new Promise<void>((resolve, reject) => {
    thread.onmessage = () => resolve()
    thread.onerror = ({ message }) => reject(new Error(`The writer's thread failed: ${message}`))
  })
}

async function end(thread: Worker): Promise<void> {
  const closed = new Promise((resolve) => {
    thread.addEventListener('close', resolve, { once: true })
  })
  thread.terminate()
  await closed
}
