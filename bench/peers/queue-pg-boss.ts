/** pg-boss on PostgreSQL with its defaults (durable). `queue-pg-boss.ts <folder> <count> <postgres port>` */
import { PgBoss } from 'pg-boss'
import { contest } from './queue-contest.ts'

const [, count = '0', port = '0'] = Bun.argv.slice(2)
const boss = new PgBoss(`postgres://bench@127.0.0.1:${port}/postgres`)
await boss.start()
await boss.createQueue('noop')
const done = { count: 0 }
// Its own worker polls each half second at most; fetching without a pause is the best it can do.
async function work(): Promise<void> {
  for (;;) {
    const jobs = await boss.fetch('noop', { batchSize: 100 })
    if (jobs.length === 0) await Bun.sleep(1)
    else {
      await boss.complete(
        'noop',
        jobs.map(({ id }) => id),
      )
      done.count += jobs.length
    }
  }
}
void work()
await contest(Number(count), (number) => boss.send('noop', { number }), done)
