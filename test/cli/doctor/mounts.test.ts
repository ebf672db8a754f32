import { expect, test } from 'bun:test'
import { truncateSync, writeFileSync } from 'node:fs'
import { diskFindings } from '#src/cli/doctor/disk.ts'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { canMount, mountReadOnly, mountTmpfs } from '#test/support/mount.ts'

const GIB = 1024 ** 3
if (!canMount) console.log('SKIPPED doctor mounts: it mounts small disks, which needs root')

function look(path: string) {
  const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: `file:${path}` })
  return diskFindings(config)
}

function checks(path: string): string[] {
  return look(path).map(({ level, check }) => `${level} ${check}`)
}

function makeDatabase(path: string) {
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  database.close()
}

test.skipIf(!canMount)('a database that cannot be written to is found', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  makeDatabase(path)
  expect(checks(path)).not.toContain('error read-only')
  using _mounted = mountReadOnly(path)
  expect(checks(path)).toContain('error read-only')
  expect(checks(path)).not.toContain('error folder')
})

test.skipIf(!canMount)('a disk that is mounted read-only is found', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  makeDatabase(path)
  using _mounted = mountReadOnly(folder.path)
  expect(checks(path)).toContain('error folder')
  expect(checks(path)).toContain('error read-only')
})

test.skipIf(!canMount)('too little room for a backup is found', async () => {
  await using folder = await temporaryFolder()
  const of = (mebibytes: number, databaseBytes: number) => {
    using _disk = mountTmpfs(folder.file('disk'), mebibytes)
    writeFileSync(folder.file('disk/pollux.db'), '')
    // Sparse: it has the size, and takes nothing.
    truncateSync(folder.file('disk/pollux.db'), databaseBytes)
    return look(folder.file('disk/pollux.db')).filter(({ check }) => check === 'disk-space')
  }
  expect(of(64, 4_096)[0]?.what).toBe('64 MiB are free beside the database.')
  expect(of(1_500, 1_000_000_000)).toEqual([])
  expect(of(1_500, 2 * GIB)).toHaveLength(1)
})

test('a write-ahead log that nobody empties is found', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  makeDatabase(path)
  writeFileSync(`${path}-wal`, '')
  truncateSync(`${path}-wal`, GIB)
  expect(checks(path)).not.toContain('warning log-size')
  truncateSync(`${path}-wal`, 1.5 * GIB)
  const found = look(path).find(({ check }) => check === 'log-size')
  expect(found?.what).toContain('1.5 GiB')
})
