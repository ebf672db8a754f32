import { describe, expect, test } from 'bun:test'
import { DatabaseInUse, lockDatabase } from '#src/database/sqlite/lock.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { temporaryFolder } from '#test/support/folder.ts'

describe('openDatabase', () => {
  test('makes the folder and a file that survives a power cut', async () => {
    await using folder = await temporaryFolder()
    const database = openDatabase(folder.file('deep/down/pollux.db'))
    const pragma = (name: string) =>
      Object.values(database.sqlite.query(`PRAGMA ${name}`).get() as object)[0]
    expect(pragma('journal_mode')).toBe('wal')
    expect(pragma('synchronous')).toBe(2) // FULL
    expect(pragma('foreign_keys')).toBe(1)
    // Waiting inside SQLite would block every request.
    expect(pragma('busy_timeout')).toBeLessThanOrEqual(10)
    database.close()
  })

  test('checkpoints what was written, and an open reader holds it up visibly', async () => {
    await using folder = await temporaryFolder()
    const database = openDatabase(folder.file('pollux.db'))
    migrate(database.sqlite, { now: 0 })
    expect(database.checkpoint()).toBe(0)
    const reader = openDatabase(folder.file('pollux.db'))
    reader.sqlite.run('BEGIN')
    reader.sqlite.query('SELECT count(*) FROM users').get()
    database.sqlite.run("INSERT INTO providers (name) VALUES ('p')")
    database.sqlite.run("UPDATE providers SET next_call_at = 1 WHERE name = 'p'")
    expect(database.checkpoint()).toBeGreaterThan(0)
    reader.sqlite.run('COMMIT')
    expect(database.checkpoint()).toBe(0)
    reader.close()
    database.close()
  })
})

test('a nearly empty file leaves no statistics by which a later plan would walk a whole table', async () => {
  await using folder = await temporaryFolder()
  const one = openDatabase(folder.file('pollux.db'))
  migrate(one.sqlite, { now: 0 })
  one.sqlite.run(
    "INSERT INTO users (id, phone, created_at, updated_at) VALUES ('a', '+12025550100', 0, 0)",
  )
  one.sqlite.query("SELECT id FROM users WHERE phone = '+12025550100'").get()
  one.close()
  const two = openDatabase(folder.file('pollux.db'))
  const tables = two.sqlite.query("SELECT name FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'")
  expect(tables.all()).toEqual([])
  two.close()
})

describe('lockDatabase', () => {
  test('lets one server have the file and tells the second which file it was', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('pollux.db')
    const unlock = lockDatabase(path)
    expect(() => lockDatabase(path)).toThrow(DatabaseInUse)
    expect(() => lockDatabase(path)).toThrow(path)
    unlock()
    lockDatabase(path)()
  })

  test('does not stand in the way of another file, of a private database, or of the command line', async () => {
    await using folder = await temporaryFolder()
    const unlock = lockDatabase(folder.file('one.db'))
    lockDatabase(folder.file('two.db'))()
    lockDatabase(':memory:')()
    lockDatabase(':memory:')()
    const database = openDatabase(folder.file('one.db'))
    expect(migrate(database.sqlite, { now: 0 }).length).toBeGreaterThan(0)
    database.close()
    unlock()
  })

  test('goes with a process that was killed', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('pollux.db')
    const holder = Bun.spawn(
      [
        process.execPath,
        '-e',
        `const { lockDatabase } = await import('#src/database/sqlite/lock.ts')
         globalThis.held = lockDatabase(${JSON.stringify(path)})
         console.log('held')
         setInterval(() => {}, 1000)`,
      ],
      { stdout: 'pipe' },
    )
    for await (const _ of holder.stdout) break
    expect(() => lockDatabase(path)).toThrow(DatabaseInUse)
    holder.kill('SIGKILL')
    await holder.exited
    lockDatabase(path)()
  })
})
