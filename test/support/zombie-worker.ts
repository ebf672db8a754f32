/**
 * A worker process for test/queue/zombie-process.test.ts: holds its job until its standard input says go. With `stop` it
 * stops itself within the handler. A SIGSTOP from outside may come within one of its commits, which it makes every 20 ms:
 * then it keeps SQLite's write lock, and no other worker can recover its job.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { command } from '#src/database/steps.ts'
import { systemClock } from '#src/lib/clock.ts'
import { createLog } from '#src/lib/log.ts'
import { systemRandom } from '#src/lib/random.ts'
import { effect } from '#src/queue/job.ts'
import { createQueue } from '#src/queue/queue.ts'
import { createWorker } from '#src/queue/worker.ts'
import { addProvider } from './test-queue.ts'

const [path = '', name = '', stop] = process.argv.slice(2)
const database = openDatabase(path)
const queue = createQueue({ clock: systemClock })
const go = new Promise<void>((resolve) => {
  createInterface(process.stdin).on('line', () => resolve())
})
const answer = command('answer', function* (tx) {
  yield* addProvider.steps(tx, name)
  tx.notify('answered', name)
})
database.notifications.subscribe('answered', () => console.log('answered'))
queue.register({
  kind: 'test',
  concurrency: 1,
  parse: (body) => body,
  async run() {
    writeSync(1, 'running\n')
    if (stop === 'stop') process.kill(process.pid, 'SIGSTOP')
    // Ignores the signal: even a worker that does not know what it lost must not be able to write.
    await go
    return effect(answer, undefined)
  },
})
const log = createLog('warn')
const deps = { database, queue, clock: systemClock, random: systemRandom, log }
await createWorker(deps, { leaseMs: 300, pollMs: 20 }).start({ alone: false })
