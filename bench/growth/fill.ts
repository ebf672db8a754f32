import type { Database as Sqlite } from 'bun:sqlite'
import { concurrencyKeyOf } from '../../src/modules/messages/commands.ts'
import { TERMS_OF_PARTITION } from '../../src/modules/search/index-messages.sqlite.ts'
import { toOwnTerm } from '../../src/modules/search/match.ts'
import { termsOf } from '../../src/modules/search/words.ts'
import { createDice, createSentences } from './text.ts'

/** Messages of each room of a person: a few long ones, many short ones, a thousand together. */
export const ROOM_SIZES = [
  400, 200, 100, 80, 60, 40, 30, 20, 20, 10, 10, 10, 4, 4, 4, 2, 2, 2, 2,
] as const
export const MESSAGES_OF_A_USER = ROOM_SIZES.reduce((sum, size) => sum + size, 0)

/** Exchanges of a person in a row, and people who write at the same time. */
const SITTING = 5
const AT_ONCE = 8
const EXCHANGES_OF_A_COMMIT = 25_000
const DAY = 86_400_000
/** How long the program keeps ended jobs, as a share of the year that the file pretends to hold. */
const SHARE_WITH_JOBS = 7 / 365
const SHARE_WITH_KEYS = 1 / 365

/**
 * Writes what the program would have written in a year with so many people, in the order of time: a room's
 * messages are scattered over the file as they are in life, and every index and trigger is at work.
 */
export function fill(sqlite: Sqlite, users: number, now: number): void {
  const dice = createDice(1)
  const statements = prepare(sqlite)
  const exchanges = (users * MESSAGES_OF_A_USER) / 2
  const start = now - 365 * DAY
  const at = (exchange: number) => start + Math.floor((exchange / exchanges) * 364 * DAY)
  sqlite.run('BEGIN')
  const people = Array.from({ length: users }, (_, number) => addPerson(statements, number, start))
  const rooms = shuffledRooms(dice)
  const sentences = createSentences(dice)
  const pick = () => sentences[Math.floor(dice(sentences.length))]
  let done = 0
  for (let first = 0; first < rooms.length; first += SITTING) {
    for (let group = 0; group < users; group += AT_ONCE) {
      for (const room of rooms.slice(first, first + SITTING)) {
        for (const person of people.slice(group, group + AT_ONCE)) {
          const chatroomId = person.rooms[room] ?? ''
          const revision = (person.revisions[room] ?? 0) + 3
          person.revisions[room] = revision
          const reply = `${pick()} ${pick()} ${pick()} ${pick()} ${pick()}`
          const exchange = { chatroomId, revision, prompt: `${pick()}?`, reply, at: at(done) }
          addExchange(statements, person, exchange, done, exchanges)
          if (++done % EXCHANGES_OF_A_COMMIT > 0) continue
          sqlite.run('COMMIT')
          sqlite.run('BEGIN')
        }
      }
    }
  }
  sqlite.run(`UPDATE chatrooms SET
    revision = (SELECT max(final_revision) FROM messages WHERE chatroom_id = chatrooms.id),
    last_message_at = (SELECT max(completed_at) FROM messages WHERE chatroom_id = chatrooms.id)`)
  sqlite.run('UPDATE chatrooms SET active_at = last_message_at')
  ROOM_SIZES.forEach((size, room) => {
    for (const person of people) statements.count.run(size / 2, size / 2, person.rooms[room] ?? '')
  })
  sqlite.run('COMMIT')
  for (const statement of Object.values(statements)) statement.finalize()
}

interface Person {
  id: string
  owner: string
  rooms: string[]
  revisions: number[]
  /** The latest part of the person's search index, and how many terms it has. */
  partition: number
  terms: number
}

function prepare(sqlite: Sqlite) {
  return {
    user: sqlite.prepare(
      'INSERT INTO users (id, phone, verified_at, created_at, updated_at) VALUES (?1, ?2, ?3, ?3, ?3)',
    ),
    session: sqlite.prepare(
      'INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at) VALUES (?1, ?2, ?3, ?3, ?4)',
    ),
    refreshToken: sqlite.prepare(
      'INSERT INTO refresh_tokens (hash, session_id, created_at) VALUES (?, ?, ?)',
    ),
    audit: sqlite.prepare('INSERT INTO audit_log (at, event, user_id, actor) VALUES (?, ?, ?, ?)'),
    room: sqlite.prepare(`INSERT INTO chatrooms
      (id, user_id, title, title_folded, title_by, active_at, created_at, updated_at)
      VALUES (?1, ?2, 'Trip to Bergen', 'trip to bergen', 'person', ?3, ?3, ?3)`),
    count: sqlite.prepare(
      'UPDATE chatrooms SET user_messages = ?, assistant_messages = ? WHERE id = ?',
    ),
    prompt: sqlite.prepare(`INSERT INTO messages
      (id, chatroom_id, position, final_revision, owner, role, content, status, created_at, completed_at)
      VALUES (?1, ?2, ?3, ?3, ?4, 'user', ?5, 'complete', ?6, ?6)`),
    reply: sqlite.prepare(`INSERT INTO messages
      (id, chatroom_id, position, final_revision, owner, role, content, status, reply_to, attempt, job_id,
       model, finish_reason, prompt_tokens, reply_tokens, context_messages, context_characters,
       created_at, completed_at)
      VALUES (?1, ?2, ?3, ?3 + 1, ?4, 'assistant', ?5, 'complete', ?6, 1, ?7,
       'gemini-2.5-flash-lite', 'STOP', 900, 110, 12, 3500, ?8, ?8 + 1500)`),
    words: sqlite.prepare('INSERT INTO messages_fts (rowid, words) VALUES (?, ?)'),
    partition: sqlite.prepare(
      'INSERT INTO search_partitions (owner, first_key, number, terms) VALUES (?, ?, ?, ?)',
    ),
    job: sqlite.prepare(`INSERT INTO jobs
      (id, kind, lane, owner, state, body, due_at, deadline_at, claims, created_at, started_at, ended_at)
      VALUES (?1, 'message.reply', ?2, ?3, 'done', ?4, ?5, ?5 + 600000, 1, ?5, ?5, ?5 + 1500)`),
    key: sqlite.prepare(`INSERT INTO idempotency_keys
      (user_id, key, fingerprint, kept, expires_at) VALUES (?, ?, ?, ?, ?)`),
  }
}

type Statements = ReturnType<typeof prepare>

function addPerson(statements: Statements, number: number, start: number): Person {
  const id = Bun.randomUUIDv7('hex', start)
  statements.user.run(id, `+1202${String(number).padStart(7, '0')}`, start)
  for (let device = 0; device < 2; device++) {
    const session = Bun.randomUUIDv7('hex', start)
    // Long enough for a file that is kept.
    statements.session.run(session, id, start, start + 20 * 365 * DAY)
    for (let turn = 0; turn < 3; turn++) {
      statements.refreshToken.run(hash(`${session} ${turn}`), session, start)
    }
    statements.audit.run(start, 'login', id, `user:${id}`)
  }
  const rooms = ROOM_SIZES.map(() => Bun.randomUUIDv7('hex', start))
  for (const room of rooms) statements.room.run(room, id, start)
  const revisions = ROOM_SIZES.map(() => 0)
  return { id, owner: id.replaceAll('-', ''), rooms, revisions, partition: 0, terms: Infinity }
}

interface Exchange {
  chatroomId: string
  revision: number
  prompt: string
  reply: string
  at: number
}

function addExchange(
  statements: Statements,
  person: Person,
  { chatroomId, revision, prompt, reply, at }: Exchange,
  number: number,
  of: number,
): void {
  const { id: userId, owner } = person
  const [promptId, replyId] = [Bun.randomUUIDv7('hex', at), Bun.randomUUIDv7('hex', at)]
  const jobId = number + 1
  statements.prompt.run(promptId, chatroomId, revision - 2, owner, prompt, at)
  statements.reply.run(replyId, chatroomId, revision - 1, owner, reply, promptId, jobId, at)
  // The keys of a file that nothing was ever deleted from count up from one.
  addWords(statements, person, 2 * number + 1, prompt)
  addWords(statements, person, 2 * number + 2, reply)
  if (number >= of * (1 - SHARE_WITH_JOBS)) {
    statements.job.run(jobId, concurrencyKeyOf(chatroomId), userId, JSON.stringify({ replyId }), at)
  }
  if (number >= of * (1 - SHARE_WITH_KEYS)) {
    const kept = JSON.stringify([revision - 1, 3, 5, at])
    statements.key.run(userId, promptId, hash(promptId).slice(0, 20), kept, at + DAY)
  }
}

/** As `search.index` does where keys only grow; each partition counts as full, as all but the last are. */
function addWords(statements: Statements, person: Person, key: number, text: string): void {
  const { owner } = person
  if (person.terms >= TERMS_OF_PARTITION) {
    person.partition++
    person.terms = 0
    statements.partition.run(owner, key, person.partition, TERMS_OF_PARTITION)
  }
  const terms = [...termsOf(text)]
  person.terms += terms.length
  const words = terms.map((term) => toOwnTerm(owner, person.partition, term))
  statements.words.run(key, words.join(' '))
}

/** The room of each exchange of a person, sittings in a random order. */
function shuffledRooms(dice: (below: number) => number): number[] {
  const rooms = ROOM_SIZES.flatMap((size, room) => Array.from({ length: size / 2 }, () => room))
  const sittings = Array.from({ length: Math.ceil(rooms.length / SITTING) }, (_, number) =>
    rooms.slice(number * SITTING, (number + 1) * SITTING),
  )
  return sittings
    .map((sitting) => ({ sitting, order: dice(1) }))
    .sort((a, b) => a.order - b.order)
    .flatMap(({ sitting }) => sitting)
}

function hash(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex')
}
