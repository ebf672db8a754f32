/** Preloaded into a server: SIGUSR2 breaks the writer's thread, SIGWINCH throws where nobody catches, SIGHUP rejects. */
const threads: Worker[] = []
const Real = globalThis.Worker
globalThis.Worker = class extends Real {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options)
    if (String(url).includes('writer-thread')) threads.push(this)
  }
}
process.on('SIGUSR2', () => {
  for (const thread of threads) thread.postMessage('not what a thread is sent')
})
process.on('SIGWINCH', () => {
  setTimeout(() => {
    throw new Error('thrown into nothing')
  }, 0)
})
process.on('SIGHUP', () => {
  void Promise.reject(new Error('rejected into nothing'))
})
