import { Database as Sqlite } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { databaseFindings } from '#src/cli/doctor/database.ts'
import { backupFindings, diskFindings, secretFileFindings } from '#src/cli/doctor/disk.ts'
import { hostFindings } from '#src/cli/doctor/host.ts'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { DAY, MINUTE } from '#src/lib/time.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const NOW = Date.now()

async function setUp() {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: NOW })
  const config = (backupDir?: string) => ({
    ...parseConfig({ NODE_ENV: 'test', DATABASE_URL: `file:${path}` }).config,
    backupDir,
  })
  chmodSync(path, 0o600)
  return { ...folder, path, database, config }
}

const names = (findings: { check: string }[]) => findings.map(({ check }) => check)

test('a sound database on a sound disk has nothing wrong', async () => {
  await using set = await setUp()
  expect(databaseFindings(set.path, NOW)).toEqual([])
  expect(names(diskFindings(set.config())).filter((check) => check !== 'disk-space')).toEqual([])
})

test('a folder that cannot be made is found; one that the server will make is not', async () => {
  await using set = await setUp()
  const at = (databasePath: string) => ({ ...set.config(), databasePath })
  expect(names(diskFindings(at(set.file('pollux.db/none/pollux.db'))))).toEqual(['folder'])
  expect(names(diskFindings(at(set.file('pollux.db/none/deep/pollux.db'))))).toEqual(['folder'])
  expect(names(diskFindings(at(set.file('none/deep/pollux.db'))))).toEqual([])
})

test.skipIf(process.getuid?.() !== 0)(
  'what root looks at is found where the owner of its folder could not write it',
  async () => {
    await using set = await setUp()
    mkdirSync(set.file('backups'))
    expect(names(diskFindings(set.config()))).not.toContain('owner')
    chownSync(set.path, 65_532, 65_532)
    expect(names(diskFindings(set.config()))).toContain('owner')
    chownSync(set.file('backups'), 65_532, 65_532)
    expect(names(backupFindings(set.config(set.file('backups')), NOW))).toContain('owner')
  },
)

test('a database that cannot be opened is not called damaged', async () => {
  await using set = await setUp()
  mkdirSync(set.file('folder.db'))
  expect(names(databaseFindings(set.file('folder.db'), NOW))).toEqual(['unreadable'])
})

test('a database that everybody may read is found', async () => {
  await using set = await setUp()
  chmodSync(set.path, 0o644)
  expect(names(diskFindings(set.config()))).toContain('file-mode')
})

test.skipIf(!existsSync('/dev/shm'))(
  'a database in memory that is taken for a disk is found',
  async () => {
    await using set = await setUp()
    const config = { ...set.config(), databasePath: '/dev/shm/pollux.db' }
    expect(names(diskFindings(config))).toContain('file-system')
  },
)

test('a missing, unusable or near backup is found', async () => {
  await using set = await setUp()
  expect(names(backupFindings(set.config(), NOW))).toEqual(['backup'])
  expect(names(backupFindings(set.config(set.file('none')), NOW))).toEqual([])
  expect(names(backupFindings(set.config(set.file('pollux.db/none')), NOW))).toEqual(['backup'])
  mkdirSync(set.file('backups'))
  expect(names(backupFindings(set.config(set.file('backups')), NOW))).toEqual(['backup-disk'])
})

test('a backup that has not been made for 36 hours is found', async () => {
  await using set = await setUp()
  mkdirSync(set.file('b'))
  const backup = set.file('b/pollux-20261120T031500Z.db')
  writeFileSync(backup, '')
  expect(names(backupFindings(set.config(set.file('b')), NOW))).not.toContain('backup-age')
  utimesSync(backup, (NOW - 2 * DAY) / 1_000, (NOW - 2 * DAY) / 1_000)
  expect(names(backupFindings(set.config(set.file('b')), NOW))).toContain('backup-age')
  expect(names(backupFindings(set.config(set.file('b')), NOW + 3 * DAY))).toContain('backup-age')
})

test('a secret that everybody may read is found', async () => {
  await using set = await setUp()
  writeFileSync(set.file('jwt'), 'secret')
  chmodSync(set.file('jwt'), 0o644)
  const environment = { JWT_SECRET_FILE: set.file('jwt'), LOG_FILE: set.file('jwt') }
  expect(names(secretFileFindings(environment))).toEqual(['secret-file'])
  chmodSync(set.file('jwt'), 0o600)
  expect(secretFileFindings(environment)).toEqual([])
})

test('a damaged, foreign, future or outdated database is found', async () => {
  await using set = await setUp()
  set.database.sqlite.run(`INSERT INTO migrations VALUES ('9999_later', 1)`)
  expect(names(databaseFindings(set.path, NOW))).toEqual(['future'])
  set.database.sqlite.run(`DELETE FROM migrations`)
  expect(names(databaseFindings(set.path, NOW))).toEqual(['migrations'])
  set.database.close()
  truncateSync(set.path, 40_000)
  expect(names(databaseFindings(set.path, NOW))).toEqual(['damage'])
  writeFileSync(set.path, 'rubbish'.repeat(1_000))
  expect(names(databaseFindings(set.path, NOW))).toEqual(['damage'])
  const foreign = new Sqlite(set.file('theirs.db'))
  foreign.run('CREATE TABLE theirs (x)')
  foreign.close()
  expect(names(databaseFindings(set.file('theirs.db'), NOW))).toEqual(['foreign'])
})

test('jobs that nobody works on are found', async () => {
  await using set = await setUp()
  const insert = (at: number) =>
    set.database.sqlite.run(
      `INSERT INTO jobs (kind, state, turn, body, due_at, created_at) VALUES ('k', 'ready', 1, '{}', ?1, ?1)`,
      [at],
    )
  insert(NOW - MINUTE)
  expect(databaseFindings(set.path, NOW)).toEqual([])
  insert(NOW - 11 * MINUTE)
  expect(names(databaseFindings(set.path, NOW))).toEqual(['queue'])
})

test('a clock that is behind the database is found', async () => {
  await using set = await setUp()
  set.database.sqlite.run(
    `INSERT INTO jobs (kind, state, body, due_at, created_at, ended_at) VALUES ('k', 'done', '{}', ?1, ?1, ?1)`,
    [NOW],
  )
  expect(databaseFindings(set.path, NOW)).toEqual([])
  expect(names(databaseFindings(set.path, NOW - 2 * MINUTE))).toEqual(['clock'])
})

test('root and a low limit on open files are found', () => {
  expect(names(hostFindings({ userId: 0, openFiles: 1_024 }))).toEqual(['root', 'open-files'])
  expect(hostFindings({ userId: 1_000, openFiles: 65_536 })).toEqual([])
})
