import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { writeBackup } from '#src/database/sqlite/backup.ts'
import { lockDatabase } from '#src/database/sqlite/lock.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { restoreBackup } from '#src/database/sqlite/restore.ts'
import { databaseInFolder, keysOf, NOW } from '#test/support/database-in-folder.ts'

/** A row of a session whose user is not there. */
function orphan(path: string): void {
  const sqlite = new Sqlite(path)
  sqlite.run('PRAGMA foreign_keys = OFF')
  sqlite.run("INSERT INTO sessions VALUES ('s', 'nobody', NULL, NULL, 0, 0, 9, NULL)")
  sqlite.close()
}

/** The rollback journal of a transaction that was cut off, which SQLite would roll back at the next open. */
function journalOf(path: string): Uint8Array {
  const copy = `${path}.for-journal`
  copyFileSync(path, copy)
  const script = `
    import { Database } from 'bun:sqlite'
    const sqlite = new Database(${JSON.stringify(copy)})
    sqlite.run('PRAGMA journal_mode = DELETE')
    sqlite.run('PRAGMA cache_size = 1')
    sqlite.run('BEGIN')
    sqlite.run('DELETE FROM rate_limits')
    for (let at = 0; at < 500; at++) sqlite.run('INSERT INTO rate_limits VALUES (?, 1, 1)', ['x' + at + 'x'.repeat(500)])
    process.kill(process.pid, 'SIGKILL')`
  Bun.spawnSync([process.execPath, '-e', script])
  return readFileSync(`${copy}-journal`)
}

describe('Restoring', () => {
  async function withBackup() {
    const set = await databaseInFolder()
    set.insert('old')
    writeBackup(set.path, set.file('copy.db'))
    set.insert('new')
    return set
  }

  test('puts the backup in place and keeps what it replaced', async () => {
    await using set = await withBackup()
    set.database.close()
    const { replaced, pending } = restoreBackup(set.file('copy.db'), set.path, NOW)
    expect(keysOf(set.path)).toEqual(['old'])
    expect(replaced).toBe(`${set.path}.replaced-20261122T031500Z`)
    expect(keysOf(replaced ?? '')).toEqual(['new', 'old'])
    expect(pending).toEqual([])
    expect(existsSync(set.file('copy.db'))).toBe(true)
  })

  test('over a link changes the file that it leads to, in whose folder the replaced one stays', async () => {
    await using set = await withBackup()
    set.database.close()
    mkdirSync(set.file('elsewhere'))
    const link = set.file('elsewhere/link.db')
    symlinkSync(set.path, link)
    const { replaced } = restoreBackup(set.file('copy.db'), link, NOW)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(keysOf(set.path)).toEqual(['old'])
    expect(replaced).toStartWith(set.path)
    expect(readdirSync(set.file('elsewhere'))).toEqual(['link.db'])
  })

  test('twice in a second keeps both of what it replaced', async () => {
    await using set = await withBackup()
    set.database.close()
    writeFileSync(set.file('b.db'), 'first')
    const one = restoreBackup(set.file('copy.db'), set.file('b.db'), NOW).replaced ?? ''
    const two = restoreBackup(set.file('copy.db'), set.file('b.db'), NOW).replaced ?? ''
    expect(await Bun.file(one).text()).toBe('first')
    expect(keysOf(two)).toEqual(['old'])
  })

  test.each([0o400, 0o644])(
    'makes it its owner’s alone, though the backup was kept as 0%o',
    async (mode) => {
      await using set = await withBackup()
      set.database.close()
      chmodSync(set.file('copy.db'), mode)
      restoreBackup(set.file('copy.db'), set.path, NOW)
      expect(statSync(set.path).mode & 0o777).toBe(0o600)
    },
  )

  test.skipIf(process.getuid?.() !== 0)(
    'by root leaves it, and its lock, to who had it',
    async () => {
      await using set = await withBackup()
      set.database.close()
      chownSync(set.path, 65_532, 65_532)
      restoreBackup(set.file('copy.db'), set.path, NOW)
      for (const path of [set.path, `${set.path}-lock`]) {
        expect(statSync(path)).toMatchObject({ uid: 65_532, gid: 65_532 })
      }
      mkdirSync(set.file('theirs'))
      chownSync(set.file('theirs'), 65_532, 65_532)
      restoreBackup(set.file('copy.db'), set.file('theirs/new.db'), NOW)
      expect(statSync(set.file('theirs/new.db'))).toMatchObject({ uid: 65_532, gid: 65_532 })
    },
  )

  test('keeps what a server that was killed had only in its log', async () => {
    await using set = await withBackup()
    // Not closed: the log stays, as after a kill.
    const { replaced } = restoreBackup(set.file('copy.db'), set.path, NOW)
    expect(keysOf(replaced ?? '')).toEqual(['new', 'old'])
  })

  test('works where there was nothing, and where what was there is rubbish', async () => {
    await using set = await withBackup()
    set.database.close()
    expect(restoreBackup(set.file('copy.db'), set.file('other/a.db'), NOW).replaced).toBeUndefined()
    writeFileSync(set.file('b.db'), 'rubbish')
    writeFileSync(set.file('b.db-wal'), 'more')
    const { replaced } = restoreBackup(set.file('copy.db'), set.file('b.db'), NOW)
    expect(keysOf(set.file('b.db'))).toEqual(['old'])
    expect(await Bun.file(replaced ?? '').text()).toBe('rubbish')
  })

  test.each(['-wal', '-shm', '-journal'])(
    'a stale %s that lies where the database was is not taken for the backup’s',
    async (end) => {
      await using set = await withBackup()
      set.insert('only in the old log')
      // What a server leaves that was killed after somebody deleted its database.
      for (const one of ['-wal', '-shm']) copyFileSync(`${set.path}${one}`, set.file(`kept${one}`))
      set.database.close()
      for (const one of ['', '-wal', '-shm']) rmSync(`${set.path}${one}`, { force: true })
      if (end === '-journal') writeFileSync(`${set.path}-journal`, journalOf(set.file('copy.db')))
      else copyFileSync(set.file(`kept${end}`), `${set.path}${end}`)
      restoreBackup(set.file('copy.db'), set.path, NOW)
      expect(existsSync(`${set.path}${end}`)).toBe(false)
      expect(keysOf(set.path)).toEqual(['old'])
    },
  )

  test('of a live database that was copied by hand takes in what is only in its log', async () => {
    await using set = await withBackup()
    for (const end of ['', '-wal']) copyFileSync(`${set.path}${end}`, set.file(`hand.db${end}`))
    set.database.close()
    restoreBackup(set.file('hand.db'), set.file('b.db'), NOW)
    expect(keysOf(set.file('b.db'))).toEqual(['new', 'old'])
    expect(existsSync(set.file('b.db-wal'))).toBe(false)
  })

  test('of a copy that was taken by hand within a transaction undoes what was not committed', async () => {
    await using set = await withBackup()
    set.database.close()
    const torn = set.file('torn.db')
    writeFileSync(`${torn}-journal`, journalOf(set.file('copy.db')))
    copyFileSync(set.file('copy.db.for-journal'), torn)
    restoreBackup(torn, set.path, NOW)
    expect(keysOf(set.path)).toEqual(['old'])
  })

  test('a backup whose rows refer to nothing is refused and changes nothing', async () => {
    await using set = await withBackup()
    orphan(set.file('copy.db'))
    set.database.close()
    const restore = () => restoreBackup(set.file('copy.db'), set.path, NOW)
    expect(restore).toThrow(
      `'${set.file('copy.db')}' is damaged: rows of 'sessions' refer to nothing.`,
    )
    expect(keysOf(set.path)).toEqual(['new', 'old'])
  })

  test('is refused while a server runs', async () => {
    await using set = await withBackup()
    const unlock = lockDatabase(set.path)
    expect(() => restoreBackup(set.file('copy.db'), set.path, NOW)).toThrow('Another Pollux server')
    unlock()
    expect(keysOf(set.path)).toEqual(['new', 'old'])
  })

  test.each([
    ['missing', (_path: string) => {}, 'There is no file'],
    ['not a database', (path: string) => writeFileSync(path, 'x'.repeat(9_000)), 'damaged'],
    [
      'damaged',
      (path: string) => {
        const sqlite = openDatabase(path)
        migrate(sqlite.sqlite, { now: NOW })
        sqlite.close()
        truncateSync(path, 50_000)
      },
      'damaged',
    ],
    [
      'another program’s',
      (path: string) => {
        const sqlite = new Sqlite(path)
        sqlite.run('CREATE TABLE theirs (x)')
        sqlite.close()
      },
      'not a database of Pollux',
    ],
    [
      'of the future',
      (path: string) => {
        const sqlite = openDatabase(path)
        migrate(sqlite.sqlite, { now: NOW })
        sqlite.sqlite.run(`INSERT INTO migrations VALUES ('9999_later', 1)`)
        sqlite.close()
      },
      'migrations that this Pollux does not know',
    ],
  ])('a file that is %s is refused and changes nothing', async (_what, make, says) => {
    await using set = await withBackup()
    set.database.close()
    make(set.file('bad.db'))
    const restore = () => restoreBackup(set.file('bad.db'), set.path, NOW)
    expect(restore).toThrow(says)
    expect(restore).not.toThrow('.restoring')
    expect(keysOf(set.path)).toEqual(['new', 'old'])
    const left = readdirSync(set.path.replace('/pollux.db', ''))
    expect(left.filter((name) => /restoring|replaced/.test(name))).toEqual([])
  })
})
