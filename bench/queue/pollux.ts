/** Our own queue on a file: concurrency keys, owners, fencing, leases, at FULL. `pollux.ts <folder> <count>` */
import { migrate } from '../../src/database/sqlite/migrate.ts'
import { type Database, openDatabase } from '../../src/database/sqlite/open.ts'
import { command } from '../../src/database/steps.ts'
import { systemClock as clock } from '../../src/lib/clock.ts'
import { silentLog as log } from '../../src/lib/log.ts'
import { systemRandom as random } from '../../src/lib/random.ts'
import { createQueue } from '../../src/queue/queue.ts'
import { createWorker } from '../../src/queue/worker.ts'
import { contest, LANES } from '../peers/queue-contest.ts'

const [folder = '', count = '0'] = Bun.argv.slice(2)
const database = openDatabase(`${folder}/pollux.db`)
migrate(database.sqlite, { now: clock.now() })
const queue = createQueue({ clock })
const done = { count: 0 }
const finish: unknown = queue.commands.finish
/** A job counts as done when the commit of its end has resolved. */
const counting: Database = {
  ...database,
  async run(what, input) {
    const output = await database.run(what, input)
    if (what === finish) done.count += 1
    return output
  },
}
queue.register({ kind: 'noop', concurrency: 100, parse: (body) => body, run: async () => {} })
const worker = createWorker({ database: counting, queue, clock, random, log })
await worker.start({ alone: true })
const add = command('bench.add', function* (tx, number: number) {
  yield* queue.enqueue(tx, {
    kind: 'noop',
    body: { number },
    concurrencyKey: `room:${number % LANES}`,
    owner: `user:${number % 50}`,
  })
})
await contest(Number(count), (number) => database.run(add, number), done)
