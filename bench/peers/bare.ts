/**
 * The limit: Bun, Elysia, JWT and bun:sqlite with group commit, doing the writes of POST message (prompt, reply, job,
 * the room's activity, the day's count, the key) and telling messages as the contract does, and nothing else: no tiers, no replay, no
 * lanes, no search, no request id, no log, no next page.
 *
 *     bun bench/peers/bare.ts <database file> <secret>     prints its URL
 */
import { Database } from 'bun:sqlite'
import { jwt } from '@elysiajs/jwt'
import { Elysia, t } from 'elysia'

const [path = '', secret = ''] = Bun.argv.slice(2)
const db = new Database(path, { strict: true })
db.run('PRAGMA journal_mode = WAL')
db.run('PRAGMA synchronous = FULL')
const session = db.query(
  'SELECT 1 FROM sessions WHERE id = ?1 AND user_id = ?2 AND ended_at IS NULL',
)
const user = db.query('SELECT id, phone, name, created_at FROM users WHERE id = ?1')
const rooms = db.query('SELECT id, title FROM rooms WHERE user_id = ?1 ORDER BY id DESC LIMIT 50')
const owned = db.query('SELECT 1 FROM rooms WHERE id = ?1 AND user_id = ?2')
interface Row {
  id: string
  role: string
  content: string
  status: string
  reply_to: string | null
  version: number
  model: string | null
  finish_reason: string | null
  prompt_tokens: number | null
  reply_tokens: number | null
  context_messages: number | null
  created_at: number
  completed_at: number | null
}
const COLUMNS = `id, role, content, status, reply_to, version, model, finish_reason, prompt_tokens, reply_tokens,
  context_messages, created_at, completed_at`
const page = db.query<Row, [string]>(
  `SELECT ${COLUMNS} FROM messages WHERE room_id = ?1 ORDER BY key LIMIT 50`,
)
const latest = db.query<Row, [string]>(
  `SELECT ${COLUMNS} FROM messages WHERE room_id = ?1 ORDER BY key DESC LIMIT 2`,
)
const message = db.query(
  `INSERT INTO messages (id, room_id, role, content, status, reply_to, version, created_at, completed_at)
   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8)`,
)
const job = db.query(
  'INSERT INTO jobs (room_id, message_id, state, due_at) VALUES (?1, ?2, ?3, ?4)',
)
const activity = db.query('UPDATE rooms SET active_at = ?2, messages = messages + 2 WHERE id = ?1')
const count = db.query(
  `INSERT INTO usage (user_id, day, used) VALUES (?1, ?2, 1)
   ON CONFLICT DO UPDATE SET used = used + 1 WHERE used < 1000000`,
)
const keep = db.query(
  'INSERT INTO idempotency_keys (key, user_id, reply_id, expires_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING',
)
/** Why a prompt is not taken. */
type Refusal = 409 | 429

interface Write {
  run: () => Refusal | undefined
  done: (refusal: Refusal | undefined) => void
}
let pending: Write[] = []
function write(run: Write['run']): Promise<Refusal | undefined> {
  return new Promise((done) => {
    if (pending.length === 0) setImmediate(flush)
    pending.push({ run, done })
  })
}
function flush() {
  const batch = pending
  pending = []
  db.run('BEGIN IMMEDIATE')
  const results = batch.map(({ run }) => run())
  db.run('COMMIT')
  for (const [at, { done }] of batch.entries()) done(results[at])
}

/** A message as api.md has it. */
function toMessage(row: Row, chatroomId: string) {
  const message: Record<string, unknown> = {
    id: row.id,
    chatroomId,
    role: row.role,
    content: row.content,
    status: row.status,
    replyTo: row.reply_to,
    version: row.version,
    createdAt: new Date(row.created_at).toISOString(),
    completedAt: row.completed_at === null ? null : new Date(row.completed_at).toISOString(),
  }
  if (row.model !== null) {
    message['model'] = row.model
    message['finishReason'] = row.finish_reason
    message['usage'] = { promptTokens: row.prompt_tokens, replyTokens: row.reply_tokens }
    message['contextMessages'] = row.context_messages
  }
  return message
}

const app = new Elysia()
  .use(jwt({ name: 'jwt', secret }))
  .get('/livez', () => ({ status: 'ok' }))
  .resolve(async ({ jwt, headers, status }) => {
    const claims = await jwt.verify(headers['authorization']?.slice(7))
    if (!claims || !session.get(String(claims['sid']), String(claims.sub))) return status(401)
    return { userId: String(claims.sub) }
  })
  .get('/v1/user/me', ({ userId }) => user.get(userId))
  .get('/v1/chatroom', ({ userId }) => ({ items: rooms.all(userId) }))
  .get('/v1/chatroom/:id/message', ({ userId, params, status }) => {
    if (!owned.get(params.id, userId)) return status(404)
    const [reply, prompt] = latest.all(params.id)
    return {
      prompt: prompt ? toMessage(prompt, params.id) : null,
      reply: reply ? toMessage(reply, params.id) : null,
    }
  })
  .get('/v1/chatroom/:id/message/all', ({ userId, params, status }) =>
    owned.get(params.id, userId)
      ? { items: page.all(params.id).map((row) => toMessage(row, params.id)) }
      : status(404),
  )
  .post(
    '/v1/chatroom/:id/message',
    async ({ userId, params, headers, body, status, set }) => {
      if (!owned.get(params.id, userId)) return status(404)
      const now = Date.now()
      const [promptId, replyId] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()]
      const key = headers['idempotency-key']
      const day = new Date(now).toISOString().slice(0, 10)
      const refusal = await write(() => {
        if (key && keep.run(key, userId, replyId, now + 86_400_000).changes === 0) return 409
        if (count.run(userId, day).changes === 0) return 429
        activity.run(params.id, now)
        message.run(promptId, params.id, 'user', body.userPrompt, 'complete', null, now, now)
        message.run(replyId, params.id, 'assistant', '', 'queued', promptId, now, null)
        job.run(params.id, replyId, 'ready', now)
        return undefined
      })
      if (refusal) return status(refusal)
      set.status = 202
      const at = new Date(now).toISOString()
      return {
        prompt: {
          id: promptId,
          chatroomId: params.id,
          role: 'user',
          content: body.userPrompt,
          status: 'complete',
          replyTo: null,
          version: 1,
          createdAt: at,
          completedAt: at,
        },
        reply: {
          id: replyId,
          chatroomId: params.id,
          role: 'assistant',
          content: '',
          status: 'queued',
          replyTo: promptId,
          version: 1,
          createdAt: at,
          completedAt: null,
        },
      }
    },
    { body: t.Object({ userPrompt: t.String({ minLength: 1, maxLength: 32_000 }) }) },
  )
  .listen({ port: 0, hostname: '127.0.0.1' })
console.log(JSON.stringify({ msg: 'listening', url: `http://127.0.0.1:${app.server?.port}` }))
