import { Database as Sqlite } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { writeBackup } from '#src/database/sqlite/backup.ts'
import { beforeUpgradeName, nightlyName, pruneBackups } from '#src/database/sqlite/backup-folder.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { upgrade } from '#src/database/sqlite/upgrade.ts'
import { silentLog } from '#src/lib/log.ts'
import { DAY } from '#src/lib/time.ts'
import { databaseInFolder, keysOf, NOW } from '#test/support/database-in-folder.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const migrations = [{ name: '0000_notes', sql: 'CREATE TABLE notes (text TEXT) STRICT' }]

describe('A backup', () => {
  test('holds what was committed, also what is only in the log yet', async () => {
    await using set = await databaseInFolder()
    set.insert('one')
    set.insert('two')
    const { bytes } = writeBackup(set.path, set.file('backups/copy.db'))
    set.insert('three')
    expect(keysOf(set.file('backups/copy.db'))).toEqual(['one', 'two'])
    expect(bytes).toBe(statSync(set.file('backups/copy.db')).size)
    set.database.close()
  })

  test('can be read by its owner only', async () => {
    await using set = await databaseInFolder()
    writeBackup(set.path, set.file('copy.db'))
    expect(statSync(set.file('copy.db')).mode & 0o777).toBe(0o600)
  })

  test('does not overwrite a file, and leaves none where there is no database', async () => {
    await using set = await databaseInFolder()
    writeFileSync(set.file('taken.db'), 'precious')
    expect(() => writeBackup(set.path, set.file('taken.db'))).toThrow('exists already')
    expect(() => writeBackup(set.file('none.db'), set.file('copy.db'))).toThrow('no database at')
    expect(existsSync(set.file('none.db'))).toBe(false)
    expect(existsSync(set.file('copy.db'))).toBe(false)
  })

  test('of a damaged database is not kept', async () => {
    await using set = await databaseInFolder()
    set.database.sqlite.run('BEGIN')
    for (let at = 0; at < 2_000; at++) set.insert(`key ${at} ${'x'.repeat(100)}`)
    set.database.sqlite.run('COMMIT')
    set.database.close()
    const page = Buffer.alloc(4096, 0xff)
    const file = await Bun.file(set.path).bytes()
    // Near the end, where the rows are.
    file.set(page, file.length - 4096 * 8)
    writeFileSync(set.path, file)
    expect(() => writeBackup(set.path, set.file('copy.db'))).toThrow()
    expect(
      readdirSync(set.path.replace('/pollux.db', '')).filter((n) => n.includes('copy')),
    ).toEqual([])
  })
})

describe('Old backups', () => {
  test('go when there are more than are kept; nothing else does', async () => {
    await using folder = await temporaryFolder()
    const nights = Array.from({ length: 10 }, (_, day) => nightlyName(NOW + day * DAY))
    const early = beforeUpgradeName('0001_x', NOW)
    const late = beforeUpgradeName('0002_y', NOW + 9.5 * DAY)
    const others = ['notes.txt', 'pollux.db', 'pollux-mine.db']
    const torn = 'pollux-20260101T000000Z.db.partial'
    for (const name of [...nights, ...others, early, late, torn])
      writeFileSync(folder.file(name), '')
    pruneBackups(folder.path, 7)
    expect(readdirSync(folder.path).sort()).toEqual([...nights.slice(3), ...others, late].sort())
  })

  test('a pre-upgrade one goes once as many nightly ones are kept as are wanted', async () => {
    await using folder = await temporaryFolder()
    const nights = Array.from({ length: 3 }, (_, day) => nightlyName(NOW + day * DAY))
    const before = beforeUpgradeName('0001_x', NOW - DAY)
    for (const name of [...nights, before]) writeFileSync(folder.file(name), '')
    expect(pruneBackups(folder.path, 4)).toEqual([])
    expect(pruneBackups(folder.path, 3)).toEqual([before])
    expect(readdirSync(folder.path).sort()).toEqual(nights)
  })

  test('stay while there are few', async () => {
    await using folder = await temporaryFolder()
    const names = [nightlyName(NOW), beforeUpgradeName('0001_x', NOW - DAY)]
    for (const name of names) writeFileSync(folder.file(name), '')
    expect(pruneBackups(folder.path, 7)).toEqual([])
  })
})

describe('Upgrading', () => {
  const later = [
    ...migrations,
    { name: '0001_more', sql: 'ALTER TABLE notes ADD COLUMN at INTEGER' },
  ]

  test('backs up first where there is something to lose', async () => {
    await using set = await databaseInFolder(migrations)
    set.database.sqlite.run("INSERT INTO notes VALUES ('kept')")
    const options = { path: set.path, backupDir: set.file('backups'), now: NOW, log: silentLog }
    expect(upgrade(set.database, { ...options, known: later })).toEqual(['0001_more'])
    const copy = new Sqlite(set.file('backups/pollux-before-0001_more-20261122T031500Z.db'))
    expect(copy.query('SELECT * FROM notes').all()).toEqual([{ text: 'kept' }])
    expect(upgrade(set.database, { ...options, known: later })).toEqual([])
    expect(readdirSync(set.file('backups'))).toHaveLength(1)
  })

  test('of a new database needs no backup', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('pollux.db')
    const database = openDatabase(path)
    upgrade(database, { path, backupDir: undefined, now: NOW, log: silentLog, known: migrations })
    expect(readdirSync(folder.path).filter((name) => name.includes('before'))).toEqual([])
  })

  test('migrates nothing when the backup cannot be written', async () => {
    await using set = await databaseInFolder(migrations)
    writeFileSync(set.file('a-file'), '')
    const options = { path: set.path, backupDir: set.file('a-file/x'), now: NOW, log: silentLog }
    expect(() => upgrade(set.database, { ...options, known: later })).toThrow()
    expect(set.database.sqlite.query('SELECT name FROM migrations').all()).toHaveLength(1)
  })
})

test('another program’s database is refused and left as it was', async () => {
  await using folder = await temporaryFolder()
  const sqlite = new Sqlite(folder.file('theirs.db'))
  sqlite.run('CREATE TABLE theirs (x)')
  sqlite.close()
  const before = await Bun.file(folder.file('theirs.db')).bytes()
  expect(() => openDatabase(folder.file('theirs.db'))).toThrow('database of another program')
  expect(await Bun.file(folder.file('theirs.db')).bytes()).toEqual(before)
})
