/** The same people, rooms and messages in PostgreSQL: `prototype-data.ts <URL> <file of the users> <messages a room>`. */
import pg from 'pg'
import { ANSWERED, CONTENT } from './content.ts'

const [url = '', file = '', perRoom = '0'] = process.argv.slice(2)
const users: { userId: string; sessionId: string; rooms: string[] }[] = await Bun.file(file).json()
const client = new pg.Client({ connectionString: url })
await client.connect()
await client.query(`
  CREATE TABLE users (id text PRIMARY KEY, phone text, name text);
  CREATE TABLE sessions (id text PRIMARY KEY, user_id text, ended_at timestamptz);
  CREATE TABLE rooms (id text PRIMARY KEY, user_id text, title text, active_at timestamptz NOT NULL DEFAULT now(), messages int);
  CREATE TABLE usage (user_id text, day date, used int, PRIMARY KEY (user_id, day));
  CREATE TABLE idempotency_keys (key text, user_id text, reply_id text, expires_at timestamptz, PRIMARY KEY (key, user_id));
  CREATE INDEX ON rooms (user_id, id);
  CREATE TABLE messages (key bigserial PRIMARY KEY, id text, room_id text, role text,
    content text, status text NOT NULL DEFAULT 'complete', reply_to text, version int NOT NULL DEFAULT 1, model text,
    finish_reason text, prompt_tokens int, reply_tokens int, context_messages int,
    created_at timestamptz NOT NULL DEFAULT now(), completed_at timestamptz DEFAULT now());
  CREATE INDEX ON messages (id);
  CREATE INDEX ON messages (room_id, key)`)
await client.query('BEGIN')
for (const { userId, sessionId, rooms } of users) {
  await client.query('INSERT INTO users VALUES ($1, $2, $3)', [userId, `+1${userId}`, 'Person'])
  await client.query('INSERT INTO sessions VALUES ($1, $2, NULL)', [sessionId, userId])
  for (const id of rooms) {
    await client.query('INSERT INTO rooms VALUES ($1, $2, $3, now(), $4)', [
      id,
      userId,
      'Trip to Bergen',
      perRoom,
    ])
    await client.query(
      `INSERT INTO messages (id, room_id, role, content, created_at)
       SELECT gen_random_uuid(), $1, CASE WHEN n % 2 = 1 THEN 'user' ELSE 'assistant' END, $2,
         now() - interval '2 days'
       FROM generate_series(1, $3::int) n`,
      [id, CONTENT, perRoom],
    )
    await client.query(
      `UPDATE messages AS reply SET reply_to = prompt.id, model = $2, finish_reason = $3, prompt_tokens = $4,
         reply_tokens = $5, context_messages = $6
       FROM messages AS prompt
       WHERE reply.room_id = $1 AND reply.role = 'assistant' AND prompt.room_id = $1 AND prompt.key = reply.key - 1`,
      [id, ...Object.values(ANSWERED)],
    )
  }
}
await client.query('COMMIT')
await client.query('VACUUM ANALYZE')
await client.end()
