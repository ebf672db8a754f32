import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { migrations } from '#drizzle/migrations/index.ts'
import { migrate } from '#src/database/migrate.ts'

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
