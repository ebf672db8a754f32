import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { migrations } from '#drizzle/migrations/index.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { concurrencyKeyOf } from '#src/modules/messages/commands.ts'

describe('An upgrade', () => {
  test('to 0003 finds in each room the first reply that it waits for', () => {
    const sqlite = new Sqlite(':memory:')
    migrate(sqlite, { now: 0, known: migrations.filter(({ name }) => name < '0003') })
    sqlite.run(
      `INSERT INTO users (id, phone, created_at, updated_at) VALUES ('u', '+12025550100', 0, 0)`,
    )
    const room = sqlite.query(`
      INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, active_at, created_at, updated_at)
      VALUES (?, 'u', '', '', 'nobody', 0, 0, 0)`)
    const message = sqlite.query(`
      INSERT INTO messages (id, chatroom_id, owner, position, final_revision, role, content, status, reply_to,
        version, created_at, completed_at)
      VALUES ($id, $room, 'u', $at, $done, $role, 'x', $status, $replyTo, $at, 0, $done)`)
    // Of each room the states of its replies, which follow its one prompt.
    const rooms = {
      none: [],
      done: ['complete'],
      two: ['complete', 'streaming', 'queued'],
      one: ['queued'],
    }
    for (const [id, states] of Object.entries(rooms)) {
      room.run(id)
      const prompt = { id: `${id}-0`, room: id, role: 'user', replyTo: null }
      message.run({ ...prompt, at: 1, done: 1, status: 'complete' })
      for (const [at, status] of states.entries()) {
        const reply = { id: `${id}-${at + 1}`, room: id, role: 'assistant', replyTo: prompt.id }
        message.run({ ...reply, at: at + 2, done: status === 'complete' ? at + 2 : null, status })
      }
    }
    migrate(sqlite, { now: 1 })
    const found = sqlite
      .query('SELECT id, pending_from AS pendingFrom FROM chatrooms ORDER BY rowid')
      .all()
    expect(found).toEqual([
      { id: 'none', pendingFrom: null },
      { id: 'done', pendingFrom: null },
      { id: 'two', pendingFrom: 3 },
      { id: 'one', pendingFrom: 2 },
    ])
  })

  test('to 0004 keeps what each idempotency key has to tell again, and the lanes of rooms', () => {
    const sqlite = new Sqlite(':memory:', { strict: true })
    migrate(sqlite, { now: 0, known: migrations.filter(({ name }) => name < '0004') })
    const room = '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13'
    sqlite.run(`
      INSERT INTO users (id, phone, created_at, updated_at) VALUES ('u', '+12025550100', 0, 0);
      INSERT INTO chatrooms (id, user_id, title, title_folded, title_by, active_at, created_at, updated_at)
        VALUES ('${room}', 'u', '', '', 'nobody', 0, 0, 0);
      INSERT INTO messages (id, chatroom_id, owner, position, final_revision, role, content, status, reply_to, created_at, completed_at)
        VALUES ('p', '${room}', 'u', 6, 6, 'user', 'x', 'complete', NULL, 0, 0),
          ('r', '${room}', 'u', 7, NULL, 'assistant', '', 'queued', 'p', 0, NULL);
      INSERT INTO jobs (kind, lane, state, body, due_at, created_at, ended_at)
        VALUES ('message.reply', 'room:${room}', 'ready', '{}', 0, 0, NULL),
          ('message.reply', 'room:${room}', 'failed', '{}', 0, 0, 0),
          ('billing.sync', 'customer:a-b', 'ready', '{}', 0, 0, NULL)`)
    const keep = sqlite.query(`
      INSERT INTO idempotency_keys (user_id, key, fingerprint, status, body, location, locked_until, expires_at)
      VALUES ('u', $key, $fingerprint, $status, $body, $location, $lockedUntil, 9)`)
    const fingerprint = '0123456789abcdef'.repeat(4)
    const none = { fingerprint, location: null, lockedUntil: null }
    const accepted = (id: string, quota: object) => ({
      ...none,
      status: 202,
      body: JSON.stringify({ prompt: { content: 'x' }, reply: { id }, quota }),
    })
    const basic = { limit: 5, used: 2, remaining: 3, resetsAt: '2026-11-23T00:00:00.000Z' }
    const opened = { ...none, status: 201, body: '{"id":"c","model":null}', location: '/v1/c' }
    const rows = {
      basic: accepted('r', basic),
      pro: accepted('r', { limit: null }),
      gone: accepted('gone', basic),
      opened,
      running: { ...none, status: null, body: null, lockedUntil: 7 },
    }
    for (const [key, row] of Object.entries(rows)) keep.run({ key, ...row })
    migrate(sqlite, { now: 1 })
    const midnight = Date.parse(basic.resetsAt)
    const { status, location } = opened
    const kept = {
      basic: [7, 2, 5, midnight],
      pro: [7],
      gone: [0, 2, 5, midnight],
      opened: { status, body: { id: 'c', model: null }, location },
      running: null,
    }
    const found = sqlite
      .query<{ key: string; kept: string | null }, []>('SELECT * FROM idempotency_keys')
      .all()
    const told = found.map(({ key, kept }) => [key, kept === null ? null : JSON.parse(kept)])
    expect(Object.fromEntries(told)).toEqual(kept)
    expect(sqlite.query("SELECT * FROM idempotency_keys WHERE key = 'running'").get()).toEqual({
      user_id: 'u',
      key: 'running',
      fingerprint: fingerprint.slice(0, 20),
      kept: null,
      locked_until: 7,
      expires_at: 9,
    })
    expect(sqlite.query('SELECT lane FROM jobs ORDER BY id').values().flat()).toEqual([
      concurrencyKeyOf(room),
      concurrencyKeyOf(room),
      'customer:a-b',
    ])
  })

  test('to 0006 puts those who wait in a lane behind each other, and gives no id twice', () => {
    const sqlite = new Sqlite(':memory:', { strict: true })
    migrate(sqlite, { now: 0, known: migrations.filter(({ name }) => name < '0006') })
    // The head of lane b came last: it was given another chance.
    sqlite.run(`
      INSERT INTO jobs (kind, lane, state, body, due_at, created_at, ended_at, lease_until)
        VALUES ('k', 'a', 'done', '{}', 0, 0, 0, NULL), ('k', 'a', 'running', '{}', 0, 0, NULL, 9),
          ('k', 'b', 'parked', '{}', 0, 0, NULL, NULL), ('k', 'a', 'parked', '{}', 0, 0, NULL, NULL),
          ('k', NULL, 'ready', '{}', 0, 0, NULL, NULL), ('k', 'a', 'parked', '{}', 0, 0, NULL, NULL),
          ('k', 'b', 'ready', '{}', 0, 0, NULL, NULL), ('k', 'c', 'ready', '{}', 0, 0, NULL, NULL);
      INSERT INTO jobs (kind, state, body, due_at, created_at, ended_at) VALUES ('k', 'done', '{}', 0, 0, 0);
      DELETE FROM jobs WHERE id = 9`)
    migrate(sqlite, { now: 1 })
    const behind = sqlite.query('SELECT behind FROM jobs ORDER BY id').values().flat()
    expect(behind).toEqual([null, null, 7, 2, null, 4, null, null])
    expect(sqlite.query('SELECT lane, last FROM job_lanes ORDER BY lane').values()).toEqual([
      ['a', 6],
      ['b', 3],
    ])
    const add = `INSERT INTO jobs (kind, state, body, due_at, created_at) VALUES ('k', 'ready', '{}', 0, 0) RETURNING id`
    expect(sqlite.query(add).get()).toEqual({ id: 10 })
  })
})

describe('The schema', () => {
  test('has only STRICT tables, so that a column holds what it says', () => {
    const sqlite = new Sqlite(':memory:')
    migrate(sqlite, { now: 0 })
    const tables = sqlite
      .query<{ name: string; strict: number; type: string }, []>('PRAGMA table_list')
      .all()
      .filter(({ name, type }) => type === 'table' && !isInternal(name))
    expect(tables.length).toBeGreaterThan(10)
    expect(tables.filter(({ strict }) => strict === 0)).toEqual([])
  })

  test('checks a row without making a table for it', () => {
    const sqlite = new Sqlite(':memory:')
    migrate(sqlite, { now: 0 })
    const tables = sqlite
      .query<{ name: string }, []>('PRAGMA table_list')
      .all()
      .filter(({ name }) => !isInternal(name) && name !== 'messages_fts')
    const made = tables.filter(({ name }) =>
      sqlite
        .query<{ opcode: string }, []>(`EXPLAIN INSERT INTO "${name}" DEFAULT VALUES`)
        .all()
        .some(({ opcode }) => opcode === 'OpenEphemeral'),
    )
    expect(tables.length).toBeGreaterThan(10)
    expect(made).toEqual([])
  })

  test('is what the migrations make: generating again gives nothing new', async () => {
    // Inside the project, as drizzle-kit takes only relative paths.
    await using folder = await temporaryFolder()
    await cp('drizzle/migrations', folder.path, { recursive: true })
    const before = await readdir(folder.path)
    const kit = Bun.spawn(
      [
        ...[process.execPath, 'x', 'drizzle-kit', 'generate', '--dialect', 'sqlite'],
        ...['--schema', './drizzle/schema.ts', '--out', `./${relative('.', folder.path)}`],
      ],
      { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    )
    const [told, code] = await Promise.all([new Response(kit.stdout).text(), kit.exited])
    expect(told).toContain('No schema changes')
    expect(code).toBe(0)
    expect(await readdir(folder.path)).toEqual(before)
  }, 30_000)
})

/** The tables behind a full-text index are SQLite's own. */
function isInternal(name: string): boolean {
  return /^sqlite_|_(data|idx|content|docsize|config)$/.test(name)
}

async function temporaryFolder() {
  const path = await mkdtemp(join('node_modules', '.schema-test-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
