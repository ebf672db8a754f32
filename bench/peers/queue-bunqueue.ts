/** bunqueue, embedded, each add durable. `queue-bunqueue.ts <folder> <count>` */
import { Queue, Worker } from 'bunqueue/client'
import { contest } from './queue-contest.ts'

const [folder = '', count = '0'] = Bun.argv.slice(2)
const dataPath = `${folder}/bunqueue.db`
const queue = new Queue('noop', { embedded: true, dataPath })
const done = { count: 0 }
const worker = new Worker('noop', async () => ({}), { embedded: true, dataPath, concurrency: 100 })
worker.on('completed', () => {
  done.count += 1
})
await contest(Number(count), (number) => queue.add('noop', { number }, { durable: true }), done)
