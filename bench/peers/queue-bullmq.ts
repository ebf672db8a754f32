/** BullMQ on Redis, which syncs once a second. `queue-bullmq.ts <folder> <count> <redis port>` */
import { Queue, Worker } from 'bullmq'
import { contest } from './queue-contest.ts'

const [, count = '0', port = '0'] = Bun.argv.slice(2)
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null }
const queue = new Queue('noop', { connection })
const worker = new Worker('noop', async () => {}, { connection, concurrency: 100 })
const done = { count: 0 }
worker.on('completed', () => {
  done.count += 1
})
await contest(Number(count), (number) => queue.add('noop', { number }), done)
