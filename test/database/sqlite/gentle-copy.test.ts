import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { backupInProcess } from '#src/database/sqlite/backup-process.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { temporaryFolder } from '#test/support/folder.ts'

/** A database of ours, open as a server has it. */
async function setUp() {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  const insert = (key: string) =>
    database.sqlite.run('INSERT INTO rate_limits VALUES (?, 1, 1)', [key])
  return { ...folder, path, database, insert }
}

/** By the command, as an operator and the nightly task do. */
function backUp(source: string, target: string): Promise<void> {
  const program = [process.execPath, `${import.meta.dir}/../../../src/main.ts`, 'backup', target]
  return backupInProcess({ source, target }, program)
}

function keysOf(path: string): string[] {
  const sqlite = new Sqlite(path)
  const rows = sqlite.query<{ key: string }, []>('SELECT key FROM rate_limits ORDER BY key').all()
  sqlite.close()
  return rows.map(({ key }) => key)
}

/** Copies in a process of its own, which waits after the first piece until `go` is called. */
async function copyByPieces(source: string, target: string) {
  const script = `
    import { readSync, writeSync } from 'node:fs'
    import { copyGently } from '#src/database/sqlite/gentle-copy.ts'
    let isFirst = true
    copyGently(${JSON.stringify(source)}, ${JSON.stringify(target)}, () => {
      if (!isFirst) return
      isFirst = false
      writeSync(1, 'piece')
      readSync(0, Buffer.alloc(1))
    })`
  const child = Bun.spawn([process.execPath, '-e', script], {
    cwd: `${import.meta.dir}/../../..`,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const reader = child.stdout.getReader()
  expect(new TextDecoder().decode((await reader.read()).value)).toBe('piece')
  return async () => {
    child.stdin.write('.')
    child.stdin.end()
    expect(await child.exited).toBe(0)
  }
}

describe('A log that begins anew while it is copied', () => {
  test('is copied again from its beginning, so that the copy has no seam', async () => {
    await using set = await setUp()
    const { sqlite } = set.database
    sqlite.run('PRAGMA synchronous = OFF')
    sqlite.run(
      'CREATE TABLE versions (id INTEGER PRIMARY KEY, version INTEGER, weight TEXT) STRICT',
    )
    const ROWS = 300
    const write = (version: number) => {
      const put = sqlite.query('REPLACE INTO versions VALUES (?, ?, ?)')
      for (let id = 1; id <= ROWS; id++) put.run(id, version, 'x'.repeat(4_000))
    }
    const salts = async () => (await Bun.file(`${set.path}-wal`).bytes()).slice(16, 24).toHex()
    write(1)
    write(2)
    // All of it is in the file, so a reader does not keep the log from beginning anew.
    expect(set.database.checkpoint()).toBe(0)
    expect(statSync(`${set.path}-wal`).size).toBeGreaterThan(2 * 1024 * 1024)
    const before = await salts()
    const go = await copyByPieces(set.path, set.file('copy.db'))
    write(3)
    expect(await salts()).not.toBe(before)
    await go()
    const copy = new Sqlite(set.file('copy.db'))
    // The first piece holds version 1 and its commits: laid over the file, it would bring them back.
    const versions = copy
      .query<{ version: number }, []>('SELECT DISTINCT version FROM versions ORDER BY version')
      .all()
    expect(versions.filter(({ version }) => version < 2)).toEqual([])
    expect(copy.query('SELECT count(*) AS rows FROM versions').get()).toEqual({ rows: ROWS })
    expect(copy.query('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    copy.close()
  }, 20_000)

  test('holds what was committed when the copy began, and nothing that came after', async () => {
    await using set = await setUp()
    set.insert('before')
    const go = await copyByPieces(set.path, set.file('copy.db'))
    set.database.sqlite.transaction(() => {
      for (let at = 0; at < 3_000; at++) set.insert(`after ${at} ${'x'.repeat(100)}`)
    })()
    // The copy's reader keeps it out of the file.
    expect(set.database.checkpoint()).toBeGreaterThan(0)
    await go()
    expect(keysOf(set.file('copy.db'))).toEqual(['before'])
  }, 20_000)
})

describe('A copy is verified before it gets its name', () => {
  /** A copy of the file with one change, and no log. */
  async function changed(change: (path: string) => void) {
    const set = await setUp()
    set.database.sqlite.run('BEGIN')
    for (let at = 0; at < 2_000; at++) set.insert(`key ${at} ${'x'.repeat(100)}`)
    set.database.sqlite.run('COMMIT')
    set.database.close()
    const bad = set.file('bad.db')
    copyFileSync(set.path, bad)
    change(bad)
    return { ...set, bad }
  }

  test.each<[string, (path: string) => void, string]>([
    [
      'has a damaged page',
      (path) => {
        const bytes = readFileSync(path)
        bytes.fill(0xff, bytes.length - 4096 * 8, bytes.length - 4096 * 7)
        writeFileSync(path, bytes)
      },
      'damaged',
    ],
    [
      'has rows that refer to nothing',
      (path) => {
        const sqlite = new Sqlite(path)
        sqlite.run("INSERT INTO sessions VALUES ('s', 'nobody', NULL, NULL, 0, 0, 9, NULL)")
        sqlite.close()
      },
      'refer to nothing',
    ],
  ])(
    'one that %s is not kept',
    async (_what, change, complaint) => {
      await using set = await changed(change)
      const target = set.file('backups/copy.db')
      const run = backUp(set.bad, target)
      expect(run).rejects.toThrow(complaint)
      await run.catch(() => {})
      expect(readdirSync(set.file('backups'))).toEqual([])
    },
    20_000,
  )
})

describe('A backup in a process of its own', () => {
  test('ends when it is told to', async () => {
    const stop = new AbortController()
    const forever = [process.execPath, '-e', 'setInterval(() => {}, 1000)']
    const run = backupInProcess({ source: '', target: '', signal: stop.signal }, forever)
    stop.abort()
    expect(run).rejects.toThrow('backup failed')
    await run.catch(() => {})
  })

  test('holds what was committed, is its owner’s alone, and its complaint comes back', async () => {
    await using set = await setUp()
    set.insert('one')
    const target = set.file('backups/copy.db')
    await backUp(set.path, target)
    expect(keysOf(target)).toEqual(['one'])
    expect(statSync(target).mode & 0o777).toBe(0o600)
    expect(readdirSync(set.file('backups'))).toEqual(['copy.db'])
    const again = backUp(set.path, target)
    expect(again).rejects.toThrow('exists already')
    await again.catch(() => {})
  }, 20_000)

  test('moves the log it held back, so that no commit of the server has to', async () => {
    await using set = await setUp()
    set.insert('one')
    await backUp(set.path, set.file('copy.db'))
    // Without its log: what is in it was moved.
    copyFileSync(set.path, set.file('moved.db'))
    expect(keysOf(set.file('moved.db'))).toEqual(['one'])
  }, 20_000)

  test('of a database that nobody has open, or whose server was killed, is the same', async () => {
    await using set = await setUp()
    set.insert('one')
    // As after a kill: what was written last is in the log alone.
    for (const end of ['', '-wal']) copyFileSync(`${set.path}${end}`, set.file(`killed.db${end}`))
    await backUp(set.file('killed.db'), set.file('of-killed.db'))
    expect(keysOf(set.file('of-killed.db'))).toEqual(['one'])
    set.database.close()
    await backUp(set.path, set.file('of-closed.db'))
    expect(keysOf(set.file('of-closed.db'))).toEqual(['one'])
  }, 20_000)

  test('beside a writer and its checkpoints holds whole transactions, and all of before', async () => {
    await using set = await setUp()
    const { sqlite } = set.database
    // The log is moved and begun anew many times within each copy.
    sqlite.run('PRAGMA wal_autocheckpoint = 40')
    sqlite.run('PRAGMA synchronous = OFF')
    sqlite.run('CREATE TABLE purses (id INTEGER PRIMARY KEY, coins INTEGER, weight TEXT) STRICT')
    const insert = sqlite.query('INSERT INTO purses VALUES (?, 0, ?)')
    const PURSES = 20_000
    sqlite.transaction(() => {
      for (let id = 1; id <= PURSES; id++) insert.run(id, 'x'.repeat(2_000))
    })()
    const give = sqlite.query('UPDATE purses SET coins = coins + ? WHERE id = ?')
    let given = 0
    let stopped = false
    const writer = (async () => {
      while (!stopped) {
        sqlite.transaction(() => {
          given += 1
          for (let one = 0; one < 3; one++) {
            give.run(-1, 2 + ((given * 7_919 + one * 2_503) % (PURSES - 1)))
          }
          give.run(3, 1)
        })()
        // Not a core to itself: the copy has the lowest priority.
        if (given % 10 === 0) await Bun.sleep(1)
      }
    })()
    try {
      for (let at = 0; at < 4; at++) {
        const before = given
        await backUp(set.path, set.file(`copy-${at}.db`))
        expect(given).toBeGreaterThan(before + 100)
        const copy = new Sqlite(set.file(`copy-${at}.db`))
        const { sum, first } = copy
          .query('SELECT sum(coins) AS sum, max(coins) AS first FROM purses')
          .get() as { sum: number; first: number }
        copy.close()
        expect(sum).toBe(0)
        expect(first).toBeGreaterThanOrEqual(before * 3)
      }
    } finally {
      stopped = true
      await writer
    }
  }, 60_000)
})
