/**
 * The prototype's stack, written anew: Node, Express 5, jsonwebtoken, PostgreSQL by `pg` (a pool of 10) and
 * BullMQ on Redis. Each request verifies the token and reads the user; POST message counts the day's
 * prompts, stores the prompt and adds a job.
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
    const { sub } = jsonwebtoken.verify((request.headers.authorization ?? '').slice(7), secret)
    const { rows } = await pool.query('SELECT id, phone, name FROM users WHERE id = $1', [sub])
    if (!rows[0]) throw new Error('no such user')
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
  const { rows } = await pool.query(
    `SELECT count(*) AS used FROM messages
     WHERE user_id = $1 AND role = 'user' AND created_at >= current_date`,
    [request.user.id],
  )
  if (Number(rows[0].used) >= 1_000_000) {
    response.status(429).json({ error: 'quota' })
    return
  }
  const id = randomUUID()
  await pool.query(
    `INSERT INTO messages (id, room_id, user_id, role, content) VALUES ($1, $2, $3, 'user', $4)`,
    [id, request.params.id, request.user.id, request.body.userPrompt],
  )
  await queue.add('reply', { messageId: id, room: request.params.id })
  response.status(202).json({ prompt: { id } })
})

const server = app.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`
  console.log(JSON.stringify({ msg: 'listening', url }))
})
