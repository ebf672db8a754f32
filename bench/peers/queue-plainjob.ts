/** plainjob with its defaults (synchronous NORMAL). `queue-plainjob.ts <folder> <count>` */
import Database from 'bun:sqlite'
import { bun, defineQueue, defineWorker } from 'plainjob'
import { contest } from './queue-contest.ts'

const [folder = '', count = '0'] = Bun.argv.slice(2)
const connection = bun(new Database(`${folder}/plainjob.db`, { strict: true, create: true }))
const silent = { error() {}, warn() {}, info() {}, debug() {} }
const queue = defineQueue({ connection, logger: silent })
const done = { count: 0 }
const worker = defineWorker('noop', async () => {}, {
  queue,
  logger: silent,
  pollIntervall: 1,
  onCompleted: () => {
    done.count += 1
  },
})
void worker.start()
await contest(
  Number(count),
  async (number) => {
    queue.add('noop', { number })
    await new Promise((resolve) => setImmediate(resolve))
  },
  done,
)
