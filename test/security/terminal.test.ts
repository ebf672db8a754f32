import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { runCommandLine } from '#src/cli/program.ts'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { createLog } from '#src/lib/log.ts'
import { prettyLines } from '#src/lib/log-pretty.ts'
import { accountOf } from '#src/provider.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { pollux } from '#test/support/terminal.ts'

/** Each kind of character that a terminal obeys or hides: C0, DEL, C1, bidi, zero width, separators, tags. */
const HOSTILE =
  'x\x1b]0;owned\x07\x1b[2J\r\n\t\x00\x7f\x9b31m\x85\u202e\u2066\u200e\u200b\ufeff\u00ad\u2028\u2029\u{e0041}\u3164\ud800y'
/** What of them must not be left, in a text of several lines. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u3164]/u
const ESCAPED = '\\u001b]0;owned\\u0007'

/** SQLite keeps no lone surrogate. */
const STORED = HOSTILE.replace('\ud800', '')

/** Columns that no user and no provider writes: a CHECK or a digest. */
const OURS = new Set([
  ...['state', 'tier_override', 'number_digest', 'password_hash'],
  ...['provider', 'account', 'reason'],
])

function settings(path: string) {
  return {
    NODE_ENV: 'test',
    DATABASE_URL: `file:${path}`,
    PORT: '1',
    GEMINI_BASE_URL: 'http://127.0.0.1:1',
  }
}

/** A file with a row of each table that a command reads, every text of which is hostile. */
async function hostileDatabase() {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  database.close()
  const sqlite = new Sqlite(path)
  sqlite.run('PRAGMA ignore_check_constraints = ON')
  sqlite.run(
    "INSERT INTO users (id, phone, name, created_at, updated_at) VALUES ('u', 'p', 'n', 0, 0)",
  )
  sqlite.run(`
    INSERT INTO jobs (kind, lane, owner, state, body, due_at, dedupe_key, last_error, trace, created_at)
      VALUES ('k', 'l', 'o', 'ready', '""', 0, 'd', 'e', 't', 0);
    INSERT INTO audit_log (at, event, user_id, actor, request_id, ip, detail)
      VALUES (0, 'e', 'u', 'a', 'r', 'i', '""')`)
  for (const { name: trigger } of sqlite
    .query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit_log'",
    )
    .all()) {
    sqlite.run(`DROP TRIGGER ${trigger}`)
  }
  const { config } = parseConfig(settings(path))
  const pause = { ...accountOf(config), until: 8e15 }
  sqlite
    .query("INSERT INTO provider_pauses VALUES ($name, 'm', $account, 'limited', 'q', 0, $until)")
    .run({ $name: pause.name, $account: pause.account, $until: pause.until })
  for (const table of ['users', 'jobs', 'audit_log', 'provider_pauses']) {
    const columns = sqlite
      .query<{ name: string; type: string; pk: number }, []>(`PRAGMA table_info(${table})`)
      .all()
    for (const { name, type, pk } of columns) {
      if (type !== 'TEXT' || OURS.has(name) || (pk > 0 && table === 'users')) continue
      const isJson = name === 'body' || name === 'detail'
      const value = isJson ? JSON.stringify({ [STORED]: STORED }) : `${STORED}${name}`
      sqlite.query(`UPDATE ${table} SET "${name}" = ?`).run(value)
    }
  }
  sqlite.close()
  return { path, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] }
}

/** How each command is run; `shows` where what it writes must quote the hostile data. */
const commands: Record<string, { argv: string[]; shows?: true; json?: true }> = {
  serve: { argv: ['--help'] },
  openapi: { argv: [] },
  healthcheck: { argv: [] },
  'migrate --check': { argv: [] },
  migrate: { argv: [] },
  doctor: { argv: ['--offline'], json: true },
  backup: { argv: [`/nowhere/${HOSTILE}`] },
  restore: { argv: [HOSTILE], shows: true },
  audit: { argv: [], shows: true, json: true },
  'jobs list': { argv: [], shows: true, json: true },
  'jobs show': { argv: ['1'], shows: true, json: true },
  'jobs stats': { argv: [], shows: true, json: true },
  'jobs retry': { argv: ['1'] },
  'jobs cancel': { argv: ['1'] },
  'provider show': { argv: [], shows: true, json: true },
  'provider resume': { argv: [HOSTILE], shows: true },
  'user list': { argv: [], shows: true, json: true },
  'user show': { argv: ['u'], shows: true, json: true },
  'user show (nobody)': { argv: [HOSTILE], shows: true },
  'user set-tier': { argv: ['u', HOSTILE], shows: true },
  'user revoke-sessions': { argv: ['u'] },
  'user delete': { argv: ['u'] },
}

/** Every command there is, from the help of each. */
async function commandNames(): Promise<string[]> {
  const below = async (path: string[]): Promise<string[]> => {
    const { out } = await pollux([...path, '--help'])
    const section = out.split('\nCommands:\n')[1] ?? ''
    const names = [...section.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name ?? '')
    const own = names.filter((name) => name !== 'help').map((name) => [...path, name])
    if (own.length === 0) return [path.join(' ')]
    return (await Promise.all(own.map(below))).flat()
  }
  return below([])
}

describe('A name with escape sequences', () => {
  test('every command is tried here', async () => {
    // A command that is missing: add how it is run to `commands` above.
    expect((await commandNames()).filter((name) => !(name in commands))).toEqual([])
  })

  for (const [name, { argv, shows, json }] of Object.entries(commands)) {
    for (const flags of json ? [[], ['--json']] : [[]]) {
      const title = [name, ...flags].join(' ')
      test(`reaches the terminal escaped, in pollux ${title}`, async () => {
        await using database = await hostileDatabase()
        const environment = { ...settings(database.path), [`GEMINI_${HOSTILE}`]: HOSTILE }
        const words = name.replace(/ \(.*/, '').split(' ')
        const { out, err } = await pollux([...words, ...argv, ...flags], environment)
        const written = out + err
        expect(UNSEEN.exec(written)?.[0].codePointAt(0)?.toString(16)).toBeUndefined()
        expect(written).not.toBe('')
        if (shows) expect(written).toContain(ESCAPED)
        // The escapes are those of JSON, so a script reads what is stored.
        if (flags.length > 0) expect(() => JSON.parse(out)).not.toThrow()
        if (shows && flags.length > 0) expect(deepStrings(JSON.parse(out)).join()).toContain(STORED)
      })
    }
  }

  test('cannot begin a row of its own in a table', async () => {
    await using database = await hostileDatabase()
    const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${database.path}` }
    for (const argv of [['user', 'list'], ['audit'], ['jobs', 'list'], ['jobs', 'stats']]) {
      const { out } = await pollux(argv, environment)
      expect(out.trimEnd().split('\n')).toHaveLength(2)
    }
  })

  test('is escaped in the faults of the configuration', async () => {
    const environment = { PORT: HOSTILE, QUOTA_TIMEZONE: HOSTILE, CORS_ORIGINS_FILE: HOSTILE }
    for (const command of ['migrate', 'doctor', 'serve', 'jobs']) {
      const argv = command === 'jobs' ? ['jobs', 'list'] : [command]
      const { out, err } = await pollux(argv, { ...environment, DATABASE_URL: `pg:${HOSTILE}` })
      expect(UNSEEN.test(out + err)).toBe(false)
      expect(out + err).toContain(ESCAPED)
    }
  })

  test('is escaped by the layer that every command writes through, whatever a command forgets', async () => {
    const written: string[] = []
    const write = async (text: string) => void written.push(text)
    await runCommandLine([`no-such-${HOSTILE}`], { environment: {}, print: write, complain: write })
    expect(UNSEEN.test(written.join('\n'))).toBe(false)
    expect(written.join('\n')).toContain(ESCAPED)
  })
})

describe('The log of development', () => {
  function prettyLog() {
    const lines: string[] = []
    const to = prettyLines({ write: (line) => lines.push(line) }, { colour: false })
    return { lines, to, log: createLog('debug', { to }) }
  }

  test('shows control characters of every field, message and error escaped', () => {
    const { lines, to, log } = prettyLog()
    const error = new Error(HOSTILE, { cause: new Error(HOSTILE) })
    error.name = HOSTILE
    log.warn({ [HOSTILE]: HOSTILE, nested: { [HOSTILE]: [HOSTILE] }, err: error }, HOSTILE)
    to.write(`${JSON.stringify({ level: HOSTILE, time: HOSTILE, msg: HOSTILE })}\n`)
    to.write(`no JSON ${HOSTILE}\n`)
    expect(UNSEEN.test(lines.join(''))).toBe(false)
    expect(lines.join('')).toContain(ESCAPED)
  })

  test('gives each entry one line', () => {
    const { lines, log } = prettyLog()
    log.info({ name: 'a\nb' }, 'c\nd')
    expect(lines[0]?.match(/\n/g)).toHaveLength(1)
  })
})

test('an error in the JSON log has its control characters escaped as well', () => {
  const lines: string[] = []
  const log = createLog('info', { to: { write: (line) => lines.push(line) } })
  log.error({ err: new Error(HOSTILE) }, 'failed')
  expect(UNSEEN.test(lines.join(''))).toBe(false)
})

function deepStrings(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, below]) => [key, ...deepStrings(below)])
}
