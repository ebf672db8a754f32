import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { writeBackup } from '#src/database/backup.ts'
import { lockDatabase } from '#src/database/lock.ts'
import { migrate } from '#src/database/migrate.ts'
import { openDatabase } from '#src/database/open.ts'
import { restoreBackup } from '#src/database/restore.ts'
import { databaseInFolder, keysOf, NOW } from '#test/support/database-in-folder.ts'

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
