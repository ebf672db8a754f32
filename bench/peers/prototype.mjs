/**
 * The prototype's stack, written anew: Node, Express 5, jsonwebtoken, PostgreSQL by `pg` (a pool of 10) and
 * BullMQ on Redis. Each request verifies the token and reads session and user; POST message takes key, count, room,
 * prompt and reply in one transaction and then adds a job, which waits unless `prototype-worker.mjs` runs.
 *
 *     node bench/peers/prototype.mjs <postgres URL> <redis port> <secret>     prints its URL
 */
import { randomUUID } from 'node:crypto'
import { Queue } from 'bullmq'
import express from 'express'
import jsonwebtoken from 'jsonwebtoken'
import pg from 'pg'

const [database, redisPort, secret] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: database, max: 10 })
const queue = new Queue('replies', { connection: { host: '127.0.0.1', port: Number(redisPort) } })
const app = express()
app.use(express.json())
app.get('/livez', (_request, response) => {
  response.json({ status: 'ok' })
})

app.use(async (request, response, next) => {
  try {
    const { sub, sid } = jsonwebtoken.verify((request.headers.authorization ?? '').slice(7), secret)
    const { rows } = await pool.query(
      `SELECT users.id, phone, name FROM users JOIN sessions ON sessions.user_id = users.id
       WHERE users.id = $1 AND sessions.id = $2 AND ended_at IS NULL`,
      [sub, sid],
    )
    if (!rows[0]) throw new Error('no such session')
    request.user = rows[0]
  } catch {
    response.status(401).json({ error: 'unauthorized' })
    return
  }
  next()
})

app.get('/v1/user/me', (request, response) => {
  response.json(request.user)
})
app.get('/v1/chatroom', async (request, response) => {
  const { rows } = await pool.query(
    'SELECT id, title FROM rooms WHERE user_id = $1 ORDER BY id DESC LIMIT 50',
    [request.user.id],
  )
  response.json({ items: rows })
})

async function owns(request, response) {
  const { rows } = await pool.query('SELECT 1 FROM rooms WHERE id = $1 AND user_id = $2', [
    request.params.id,
    request.user.id,
  ])
  if (rows.length === 0) response.status(404).json({ error: 'not found' })
  return rows.length > 0
}

/** A message as api.md has it. */
function toMessage(row) {
  const { id, role, content, status, version } = row
  return {
    ...{ id, chatroomId: row.room_id, role, content, status, replyTo: row.reply_to, version },
    ...(row.model !== null && {
      model: row.model,
      finishReason: row.finish_reason,
      usage: { promptTokens: row.prompt_tokens, replyTokens: row.reply_tokens },
      contextMessages: row.context_messages,
    }),
    createdAt: row.created_at,
    completedAt: row.completed_at,
  }
}

async function messages(roomId, order) {
  const { rows } = await pool.query(
    `SELECT id, room_id, role, content, status, reply_to, version, model, finish_reason, prompt_tokens, reply_tokens,
       context_messages, created_at, completed_at
     FROM messages WHERE room_id = $1 ORDER BY key ${order}`,
    [roomId],
  )
  return rows.map(toMessage)
}

app.get('/v1/chatroom/:id/message', async (request, response) => {
  if (!(await owns(request, response))) return
  const [reply, prompt] = await messages(request.params.id, 'DESC LIMIT 2')
  response.json({ prompt, reply })
})
app.get('/v1/chatroom/:id/message/all', async (request, response) => {
  if (!(await owns(request, response))) return
  response.json({ items: await messages(request.params.id, 'LIMIT 50') })
})

app.post('/v1/chatroom/:id/message', async (request, response) => {
  if (!(await owns(request, response))) return
  const promptId = randomUUID()
  const replyId = randomUUID()
  const client = await pool.connect()
  let messages
  try {
    await client.query('BEGIN')
    const refusal = await take(client, request, replyId)
    if (refusal) {
      await client.query('ROLLBACK')
      response.status(refusal).json({ error: 'refused' })
      return
    }
    const room = request.params.id
    await client.query(
      'UPDATE rooms SET active_at = now(), messages = messages + 2 WHERE id = $1',
      [room],
    )
    const { rows } = await client.query(
      `INSERT INTO messages (id, room_id, role, content, status, reply_to, completed_at)
       VALUES ($1, $3, 'user', $4, 'complete', NULL, now()), ($2, $3, 'assistant', '', 'queued', $1, NULL)
       RETURNING *`,
      [promptId, replyId, room, request.body.userPrompt],
    )
    await client.query('COMMIT')
    messages = rows.map(toMessage)
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
  await queue.add('reply', { replyId, room: request.params.id })
  response.status(202).json({ prompt: messages[0], reply: messages[1] })
})

/** The key and one of the day's prompts; the status where one of them is not to be had. */
async function take(client, request, replyId) {
  const key = request.headers['idempotency-key']
  if (key) {
    const { rowCount } = await client.query(
      `INSERT INTO idempotency_keys VALUES ($1, $2, $3, now() + interval '1 day') ON CONFLICT DO NOTHING`,
      [key, request.user.id, replyId],
    )
    if (rowCount === 0) return 409
  }
  const { rowCount } = await client.query(
    `INSERT INTO usage VALUES ($1, current_date, 1)
     ON CONFLICT (user_id, day) DO UPDATE SET used = usage.used + 1 WHERE usage.used < 1000000`,
    [request.user.id],
  )
  return rowCount === 0 ? 429 : undefined
}

const server = app.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`
  console.log(JSON.stringify({ msg: 'listening', url }))
})
