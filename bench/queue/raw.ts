/** The limit: bun:sqlite at FULL, three statements a job, coalesced commits, no lanes. `raw.ts <folder> <count>` */
import { Database } from 'bun:sqlite'
import { contest } from '../peers/queue-contest.ts'

const [folder = '', count = '0'] = Bun.argv.slice(2)
const db = new Database(`${folder}/raw.db`, { create: true })
db.run('PRAGMA journal_mode = WAL')
db.run('PRAGMA synchronous = FULL')
db.run(
  'CREATE TABLE jobs (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, body TEXT NOT NULL) STRICT',
)
db.run('CREATE INDEX jobs_ready ON jobs (id) WHERE state = 0')
const insert = db.query('INSERT INTO jobs (state, body) VALUES (0, ?1)')
const claim = db.query<{ id: number }, []>(
  `UPDATE jobs SET state = 1 WHERE id IN (SELECT id FROM jobs WHERE state = 0 ORDER BY id LIMIT 100)
   RETURNING id`,
)
const end = db.query('UPDATE jobs SET state = 2 WHERE id = ?1 AND state = 1')
const done = { count: 0 }
let added: { number: number; resolve: () => void }[] = []
let claimed: { id: number }[] = []
let isScheduled = false

function schedule() {
  if (isScheduled) return
  isScheduled = true
  setImmediate(flush)
}

function flush() {
  isScheduled = false
  const [batch, ended] = [added, claimed]
  added = []
  db.run('BEGIN IMMEDIATE')
  for (const { number } of batch) insert.run(JSON.stringify({ number }))
  for (const { id } of ended) end.run(id)
  claimed = claim.all()
  db.run('COMMIT')
  done.count += ended.length
  for (const { resolve } of batch) resolve()
  if (claimed.length > 0) schedule()
}

await contest(
  Number(count),
  (number) =>
    new Promise<void>((resolve) => {
      added.push({ number, resolve })
      schedule()
    }),
  done,
)
