import type { Config } from './config/config.ts'
import type { Port } from './database/remote-writer.ts'

/** Starts the writer's thread; it costs about 10 MB in the binary. Its end before it is asked to is the end of the process. */
export async function startWriterThread(config: Config): Promise<Port> {
  // Beside this file in the source as in the binary, where it is an entry of its own.
  const worker = new Worker(new URL('./writer-thread.ts', import.meta.url).href, { ref: false })
  worker.postMessage(JSON.stringify(config))
  await new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve()
    worker.onerror = ({ message }) => reject(new Error(`The writer's thread failed: ${message}`))
  })
  worker.onerror = ({ message }) => {
    throw new Error(`The writer's thread failed: ${message}`)
  }
  return {
    post: (text) => worker.postMessage(text),
    listen(hear) {
      worker.onmessage = ({ data }: MessageEvent<string>) => hear(data)
    },
    async close() {
      const closed = new Promise((resolve) => {
        worker.addEventListener('close', resolve, { once: true })
      })
      worker.terminate()
      await closed
    },
  }
}
