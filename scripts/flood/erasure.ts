import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { type Database, openDatabase } from '#src/database/sqlite/open.ts'
import { command } from '#src/database/steps.ts'
import { systemClock } from '#src/lib/clock.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { createRemove } from '#src/modules/users/commands.ts'
import { eraseUser } from '#src/modules/users/jobs.ts'
import { createQueue } from '#src/queue/queue.ts'

export interface Erasure {
  removeMs: number
  eraseMs: number
  /** How long other writes waited meanwhile, sorted. */
  waits: number[]
}

/** Deletes an account of `rooms` rooms with `messages` messages in all, in a file, while others write. */
export async function measureErasure(rooms: number, messages: number): Promise<Erasure> {
  const folder = await mkdtemp(join(tmpdir(), 'pollux-erasure-'))
  const database = openDatabase(join(folder, 'data.db'))
  migrate(database.sqlite, { now: 0 })
  fill(database, rooms, messages)
  database.checkpoint()
  const remove = createRemove(createQueue({ clock: systemClock }), [])
  const job = eraseUser({ database, clock: systemClock })
  const others = { isOver: false }
  const waits = writeUntil(database, others)
  const startedAt = performance.now()
  await database.run(remove, { userId: 'much', origin: undefined, now: 1 })
  const removeMs = performance.now() - startedAt
  const body = { id: 'much', kind: 'user' as const }
  const claimed = {
    id: 1,
    kind: job.kind,
    concurrencyKey: null,
    owner: null,
    body,
    attempt: 1,
    errors: 0,
  }
  await job.run({ ...claimed, trace: null, createdAt: 0 }, new AbortController().signal)
  const eraseMs = performance.now() - startedAt
  others.isOver = true
  const sorted = (await waits).sort((a, b) => a - b)
  const left = database.sqlite.query<{ n: number }, []>('SELECT count(*) AS n FROM messages').get()
  if (left?.n !== 0) throw new Error(`${left?.n} messages are left`)
  database.close()
  await rm(folder, { recursive: true })
  return { removeMs, eraseMs, waits: sorted }
}

async function writeUntil(database: Database, others: { isOver: boolean }): Promise<number[]> {
  const waits: number[] = []
  while (!others.isOver) {
    const startedAt = performance.now()
    await database.run(write, undefined)
    waits.push(performance.now() - startedAt)
    await new Promise<void>((resolve) => systemClock.after(2, resolve))
  }
  return waits
}

const write = command('flood.other-write', function* (tx) {
  yield* audit.steps(tx, { at: 1, event: 'flood.write', userId: null, actor: 'system' })
})

function fill({ sqlite }: Database, rooms: number, messages: number): void {
  const each = Math.floor(messages / rooms / 2)
  const user = sqlite.query(
    'INSERT INTO users (id, phone, verified_at, created_at, updated_at) VALUES (?1, ?2, 1, 1, 1)',
  )
  const room = sqlite.query(`
    INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, active_at, created_at, updated_at, revision)
    VALUES (?1, 'much', 't', 't', 'none', 1, 1, 1, ?2)`)
  const prompt = sqlite.query(`
    INSERT INTO messages (key, id, chatroom_id, position, final_revision, owner, role, content, status, created_at, completed_at)
    VALUES (?1, ?2, ?3, ?4, ?4, 'much', 'user', ?5, 'complete', 1, 1)`)
  const reply = sqlite.query(`
    INSERT INTO messages
      (key, id, chatroom_id, position, final_revision, owner, role, content, status, reply_to, created_at, completed_at)
    VALUES (?1, ?2, ?3, ?4, ?4, 'much', 'assistant', ?5, 'complete', ?6, 1, 1)`)
  const index = sqlite.query('INSERT INTO messages_fts (rowid, words) VALUES (?1, ?2)')
  let key = 0
  const text = () =>
    Array.from({ length: 60 }, () => `word${Math.floor(Math.random() * 2_000)}`).join(' ')
  sqlite.transaction(() => {
    user.run('much', '+4930901820')
    for (let at = 0; at < rooms; at++) {
      room.run(`room-${at}`, each * 2)
      for (let position = 1; position <= each * 2; position += 2) {
        const [asked, answered] = [key + 1, key + 2]
        prompt.run(asked, `m-${asked}`, `room-${at}`, position, text())
        reply.run(answered, `m-${answered}`, `room-${at}`, position + 1, text(), `m-${asked}`)
        for (const one of [asked, answered]) index.run(one, text())
        key = answered
      }
    }
  })()
}
