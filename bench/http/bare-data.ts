import { Database } from 'bun:sqlite'
import { ANSWERED, CONTENT } from '../peers/content.ts'
import type { BenchUser } from '../support/world.ts'

const SCHEMA = [
  'CREATE TABLE users (id TEXT PRIMARY KEY, phone TEXT, name TEXT, created_at INTEGER) STRICT',
  'CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id TEXT, ended_at INTEGER) STRICT',
  'CREATE TABLE rooms (id TEXT PRIMARY KEY, user_id TEXT, title TEXT, active_at INTEGER, messages INTEGER) STRICT',
  'CREATE TABLE usage (user_id TEXT, day TEXT, used INTEGER, PRIMARY KEY (user_id, day)) STRICT, WITHOUT ROWID',
  `CREATE TABLE idempotency_keys (key TEXT, user_id TEXT, reply_id TEXT, expires_at INTEGER,
    PRIMARY KEY (key, user_id)) STRICT, WITHOUT ROWID`,
  'CREATE INDEX rooms_of_user ON rooms (user_id, id)',
  `CREATE TABLE messages (key INTEGER PRIMARY KEY, id TEXT, room_id TEXT, role TEXT, content TEXT, status TEXT,
    reply_to TEXT, version INTEGER, model TEXT, finish_reason TEXT, prompt_tokens INTEGER, reply_tokens INTEGER,
    context_messages INTEGER, created_at INTEGER, completed_at INTEGER) STRICT`,
  'CREATE INDEX messages_of_room ON messages (room_id, key)',
  `CREATE TABLE jobs (id INTEGER PRIMARY KEY, room_id TEXT, message_id TEXT, state TEXT, due_at INTEGER) STRICT`,
  "CREATE INDEX jobs_ready ON jobs (due_at) WHERE state = 'ready'",
]

/** The bare program's file: the same people, rooms and messages in the plainest schema that serves them. */
export function createBareData(path: string, users: readonly BenchUser[], perRoom: number): void {
  const db = new Database(path, { create: true })
  db.run('PRAGMA journal_mode = WAL')
  for (const sql of SCHEMA) db.run(sql)
  const message = db.prepare(
    `INSERT INTO messages (id, room_id, role, content, status, reply_to, version, model, finish_reason, prompt_tokens,
       reply_tokens, context_messages, created_at, completed_at)
     VALUES (?, ?, ?, ?, 'complete', ?, 1, ?, ?, ?, ?, ?, 0, 0)`,
  )
  db.run('BEGIN')
  for (const { userId, sessionId, rooms } of users) {
    db.run('INSERT INTO users VALUES (?, ?, ?, 0)', [userId, `+1${userId}`, 'Person'])
    db.run('INSERT INTO sessions VALUES (?, ?, NULL)', [sessionId, userId])
    for (const id of rooms) {
      db.run('INSERT INTO rooms VALUES (?, ?, ?, 0, ?)', [id, userId, 'Trip to Bergen', perRoom])
      for (let at = 0; at < perRoom; at += 2) {
        const promptId = Bun.randomUUIDv7()
        message.run(promptId, id, 'user', CONTENT, null, null, null, null, null, null)
        const known = Object.values(ANSWERED)
        message.run(Bun.randomUUIDv7(), id, 'assistant', CONTENT, promptId, ...known)
      }
    }
  }
  db.run('COMMIT')
  message.finalize()
  db.close(true)
}
