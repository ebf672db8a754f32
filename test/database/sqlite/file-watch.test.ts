import { expect, test } from 'bun:test'
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createCommitHealth } from '#src/database/commit-health.ts'
import { createFileWatch } from '#src/database/sqlite/file-watch.ts'
import { DatabaseInUse, lockDatabase } from '#src/database/sqlite/lock.ts'
import { createLog } from '#src/lib/log.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'
import { temporaryFolder } from '#test/support/folder.ts'

test('a file that has grown and is cut back to its first size is noticed', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('data.db')
  writeFileSync(path, 'x'.repeat(100))
  const watch = createFileWatch(path)
  truncateSync(path, 500)
  watch.check()
  truncateSync(path, 100)
  expect(() => watch.check()).toThrow('was cut from 500 to 100 bytes')
})

test('a file that was cut stays cut, also when a checkpoint has made it longer again', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('data.db')
  writeFileSync(path, 'x'.repeat(500))
  const watch = createFileWatch(path)
  truncateSync(path, 100)
  expect(() => watch.check()).toThrow('was cut')
  truncateSync(path, 600)
  expect(() => watch.check()).toThrow('was cut')
  watch.reset()
  watch.check()
})

test('a second server by way of a link is refused', async () => {
  await using folder = await temporaryFolder()
  writeFileSync(folder.file('data.db'), '')
  symlinkSync(folder.file('data.db'), folder.file('link.db'))
  const unlock = lockDatabase(folder.file('data.db'))
  expect(() => lockDatabase(folder.file('link.db'))).toThrow(DatabaseInUse)
  unlock()
  lockDatabase(folder.file('link.db'))()
})

test('commits that succeed again are reported once, and forget the fault', () => {
  const lines: string[] = []
  const log = createLog('info', { to: { write: (line) => lines.push(JSON.parse(line).msg) } })
  const commitHealth = createCommitHealth({ clock: createFakeClock(), log, path: 'data.db' })
  const fault = new Error('no')
  commitHealth.refused(fault, 1)
  commitHealth.refused(fault, 1)
  expect(commitHealth.fault).toBe(fault)
  for (let at = 0; at < 3; at++) commitHealth.committed(1, 1, true)
  expect(commitHealth.fault).toBeUndefined()
  expect(lines.filter((line) => line === 'the database takes commits again')).toHaveLength(1)
  expect(lines).toHaveLength(2)
})
