/**
 * `bun run check:backup [prompts a second] [MB]`: prompts at a steady rate against a server process, before and
 * while `pollux backup` copies its database. Prints the latencies of both, and fails where the copy lacks a
 * prompt that was acknowledged before it began. Replies are held back by a provider that hangs, so that the
 * figures are those of accepting. Its result on one machine is in docs/operations.md.
 */
import { Database as Sqlite } from 'bun:sqlite'
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs'
import { sessions, users } from '#drizzle/schema.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { systemClock } from '#src/lib/clock.ts'
import { systemRandom as random } from '#src/lib/random.ts'
import { DAY, SECOND } from '#src/lib/time.ts'
import { createTokens } from '#src/modules/auth/tokens.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted } from '#src/modules/messages/model.ts'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { call } from '#test/support/client.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { freePort } from '#test/support/free-port.ts'

const rate = Number(Bun.argv[2] ?? 2_000)
const megabytes = Number(Bun.argv[3] ?? 1_000)
const USERS = 100
const TICK_MS = 5
const QUIET_MS = 10 * SECOND
const SECRET = 'YmFja3VwLWxvYWQtc2VjcmV0LW9ubHktZm9yLW1lYXN1cmluZw'

interface Shot {
  id: string
  acknowledgedAt: number
  ms: number
}

await using folder = await temporaryFolder()
const path = folder.file('pollux.db')
const people = await fill()
console.log(`database: ${(statSync(path).size / 1e6).toFixed(0)} MB`)

const binary = folder.file('pollux')
Bun.spawnSync([process.execPath, `${import.meta.dir}/build.ts`, binary])
const gemini = createGeminiStandIn({ behave: () => ({ kind: 'hang' }) })
// Its log goes to a file: through a pipe it would wait for this busy process to read it.
const server = Bun.spawn([binary, 'serve'], {
  env: {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: String(freePort()),
    JWT_SECRET: SECRET,
    DATABASE_URL: `file:${path}`,
    GEMINI_API_KEY: 'x',
    GEMINI_BASE_URL: gemini.url,
    BASIC_DAILY_PROMPTS: '1000000',
    PROMPTS_PER_MINUTE: '1000000',
    MAX_PENDING_PROMPTS: '1000000',
    USER_STORAGE_MB: '1000000',
  },
  stdio: ['ignore', Bun.file(folder.file('log')), 'inherit'],
})
const url = await listening(folder.file('log'))
const rooms = await Promise.all(
  people.map(async (token) => ({
    token,
    id: (await call<Room>(url, 'POST', '/v1/chatroom', { token, body: {} })).body.id,
  })),
)

const shots: Shot[] = []
/** How often what happened in place of a 202. */
const refused = new Map<string, number>()
let sent = 0
let stopped = false
const load = shoot()
await Bun.sleep(2 * SECOND)
const quietFrom = performance.now()
await Bun.sleep(QUIET_MS)
const backupAt = performance.now()
const copy = folder.file('copy.db')
const child = Bun.spawn([binary, 'backup', copy], {
  env: { DATABASE_URL: `file:${path}` },
  stdio: ['ignore', 'inherit', 'inherit'],
})
const exitCode = await child.exited
const backedUpAt = performance.now()
stopped = true
await load
const died = server.exitCode ?? server.signalCode
server.kill('SIGKILL')
await server.exited
await gemini.stop()

const quiet = shots.filter(
  (shot) => shot.acknowledgedAt >= quietFrom && shot.acknowledgedAt < backupAt,
)
const during = shots.filter(
  (shot) => shot.acknowledgedAt >= backupAt && shot.acknowledgedAt < backedUpAt,
)
const held = new Sqlite(copy).query('SELECT 1 FROM messages WHERE id = ?')
const owed = shots.filter(({ acknowledgedAt }) => acknowledgedAt < backupAt)
const lost = owed.filter(({ id }) => !held.get(id))
const refusals = [...refused].map(([why, times]) => `${times} × ${why}`).join(', ') || 'none'
console.log(
  `backup: exit ${exitCode}, ${((backedUpAt - backupAt) / SECOND).toFixed(1)} s with its check`,
)
console.log(`quiet:  ${line(quiet, QUIET_MS)}`)
console.log(`during: ${line(during, backedUpAt - backupAt)}`)
console.log(
  `acknowledged before: ${owed.length}, missing in the copy: ${lost.length}; refused: ${refusals}`,
)
if (died !== null) console.log(`The server ended meanwhile: ${died}`)
const sound = exitCode === 0 && lost.length === 0 && refused.size === 0 && died === null
// Not process.exit, which would leave gigabytes in the temporary folder.
process.exitCode = sound ? 0 : 1

async function listening(log: string): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const file = Bun.file(log)
    const found = (await file.exists()) && /"url":"([^"]+)".*"listening"/.exec(await file.text())
    if (found && found[1] !== undefined) return found[1]
    await Bun.sleep(50)
  }
  throw new Error('The server did not come up')
}

/** Open loop: what is late does not make the next one later. */
async function shoot(): Promise<void> {
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  while (!stopped) {
    const due = ((performance.now() - startedAt) / SECOND) * rate
    while (sent < due) {
      const one = prompt(startedAt + (sent / rate) * SECOND).finally(() => open.delete(one))
      open.add(one)
      sent += 1
    }
    await Bun.sleep(TICK_MS)
  }
  await Promise.all(open)
}

async function prompt(dueAt: number): Promise<void> {
  const room = rooms[sent % rooms.length]
  if (!room) return
  const answer = await call<Accepted>(url, 'POST', `/v1/chatroom/${room.id}/message`, {
    token: room.token,
    body: { userPrompt: 'What is the capital of France?' },
  }).catch((error) => String(error.code ?? error))
  const at = performance.now()
  if (typeof answer !== 'string' && answer.status === 202) {
    shots.push({ id: answer.body.prompt.id, acknowledgedAt: at, ms: at - dueAt })
  } else {
    const why = typeof answer === 'string' ? answer : String(answer.status)
    refused.set(why, (refused.get(why) ?? 0) + 1)
  }
}

function line(of: Shot[], forMs: number): string {
  const sorted = of.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1)
  return `${Math.round(of.length / (forMs / SECOND))} prompts/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.9999)} ms`
}

/** Users with sessions, and messages until the file is large. */
async function fill(): Promise<string[]> {
  const database = openDatabase(path)
  const now = systemClock.now()
  migrate(database.sqlite, { now })
  const secret = { secret: SECRET, previousSecret: undefined, ttlMinutes: 1_440 }
  const tokens = createTokens({ ...secret, clock: systemClock, random })
  const signed: string[] = []
  for (let at = 0; at < USERS; at++) {
    const [userId, sessionId] = [random.id(now), random.id(now)]
    const phone = `+1202555${String(at).padStart(4, '0')}`
    const times = { createdAt: now, updatedAt: now, verifiedAt: now }
    database.orm
      .insert(users)
      .values({ id: userId, phone, ...times })
      .run()
    database.orm
      .insert(sessions)
      .values({ id: sessionId, userId, createdAt: now, lastUsedAt: now, expiresAt: now + DAY })
      .run()
    signed.push(await tokens.sign({ userId, sessionId }))
  }
  // Weight of which nothing else takes notice: a copy reads bytes, whatever they say.
  const pad = database.sqlite.query(
    'INSERT INTO idempotency_keys (user_id, key, fingerprint, kept, expires_at) VALUES (?, ?, ?, ?, ?)',
  )
  const owner =
    database.sqlite.query<{ id: string }, []>('SELECT id FROM users LIMIT 1').get()?.id ?? ''
  const body = 'x'.repeat(3_600)
  database.sqlite.run('PRAGMA synchronous = OFF')
  for (let at = 0; at < megabytes * 250; at += 5_000) {
    database.sqlite.transaction(() => {
      for (let one = at; one < at + 5_000; one++) {
        pad.run(owner, `key-${one}`, 'f', body, now + DAY)
      }
    })()
  }
  database.checkpoint()
  database.close()
  // Else the first checkpoint of the server would wait for all of this to reach the disk.
  const file = openSync(path, 'r+')
  fsyncSync(file)
  closeSync(file)
  return signed
}
