/**
 * The prototype's second process: takes a job from BullMQ, reads the room's last messages, asks Gemini and stores the whole
 * answer. Sixteen at once, where the library's own default is one.
 *
 *     node bench/peers/prototype-worker.mjs <postgres URL> <redis port> <Gemini's URL>     prints a line when it is ready
 */
import { Worker } from 'bullmq'
import pg from 'pg'

const [database, redisPort, gemini] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: database, max: 10 })

async function answer({ data: { replyId, room } }) {
  const { rows } = await pool.query(
    `SELECT role, content FROM messages WHERE room_id = $1 AND status = 'complete' ORDER BY key DESC LIMIT 20`,
    [room],
  )
  const contents = rows.reverse().map(({ role, content }) => ({
    role: role === 'user' ? 'user' : 'model',
    parts: [{ text: content }],
  }))
  const response = await fetch(
    `${gemini}/v1beta/models/gemini-2.5-flash-lite:streamGenerateContent?alt=sse`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ contents }),
    },
  )
  if (!response.ok) throw new Error(`Gemini says ${response.status}`)
  const events = (await response.text())
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)))
  const text = events.map((one) => one.candidates[0].content?.parts[0].text ?? '').join('')
  const usage = events.at(-1).usageMetadata
  await pool.query(
    `UPDATE messages SET content = $2, status = 'complete', completed_at = now(), model = $3, finish_reason = 'STOP',
       prompt_tokens = $4, reply_tokens = $5, context_messages = $6
     WHERE id = $1`,
    [
      replyId,
      text,
      'gemini-2.5-flash-lite',
      usage.promptTokenCount,
      usage.candidatesTokenCount,
      contents.length,
    ],
  )
}

const worker = new Worker('replies', answer, {
  connection: { host: '127.0.0.1', port: Number(redisPort) },
  concurrency: 16,
})
await worker.waitUntilReady()
console.log(JSON.stringify({ msg: 'listening', url: `http://127.0.0.1:${redisPort}` }))
