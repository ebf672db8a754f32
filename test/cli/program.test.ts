import { describe, expect, test } from 'bun:test'
import { readdirSync, rmSync } from 'node:fs'
import { migrations } from '#drizzle/migrations/index.ts'
import { lockDatabase } from '#src/database/sqlite/lock.ts'
import { migrate, pendingMigrations } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { pollux } from '#test/support/terminal.ts'

describe('The command line', () => {
  test('has help on every command, each with what it does', async () => {
    const { code, out } = await pollux(['--help'])
    expect(code).toBe(0)
    const names = [...out.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1] ?? '')
    for (const name of ['serve', 'migrate', 'jobs', 'user', 'openapi', 'healthcheck', 'doctor']) {
      expect(names).toContain(name)
    }
    for (const name of names.filter((name) => name !== 'help')) {
      const help = await pollux([name, '--help'])
      expect(help.code).toBe(0)
      expect(help.out).toContain(`Usage: pollux ${name}`)
    }
  })

  test('refuses what it does not know with exit code 2', async () => {
    expect(await pollux(['serve', '--odd'])).toMatchObject({ code: 2 })
    expect(await pollux(['jobs', 'odd'])).toMatchObject({ code: 2 })
    expect((await pollux(['jobs', 'lits'])).err).toContain('list')
    const mistyped = await pollux(['migarte'])
    expect(mistyped.code).toBe(2)
    expect(mistyped.err).toContain("unknown command 'migarte'. There are serve, migrate,")
  })

  test('ends without a word where nobody reads on', async () => {
    const command = `set -o pipefail; '${process.execPath}' src/main.ts openapi | true`
    const run = Bun.spawn(['bash', '-c', command], { stdout: 'pipe', stderr: 'pipe' })
    expect(await new Response(run.stderr).text()).toBe('')
    expect(await run.exited).toBe(141)
  })

  test('migrate tells whether something is pending, by its exit code too', async () => {
    await using folder = await temporaryFolder()
    const environment = { DATABASE_URL: `file:${folder.file('pollux.db')}` }
    expect(await pollux(['migrate', '--check'], environment)).toMatchObject({ code: 1 })
    const first = await pollux(['migrate', '--json'], environment)
    expect(JSON.parse(first.out).applied).toContain('0000_initial')
    expect(await pollux(['migrate', '--check'], environment)).toMatchObject({ code: 0 })
    expect((await pollux(['migrate'], environment)).out).toBe('Nothing was pending.\n')
  })

  test('several at once migrate one database, a new one and one to upgrade, and all end well', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('pollux.db')
    const run = () =>
      Bun.spawn([process.execPath, 'src/main.ts', 'migrate', '--json'], {
        env: { NODE_ENV: 'test', DATABASE_URL: `file:${path}` },
        stdout: 'pipe',
        stderr: 'pipe',
      })
    const all = async () => {
      const runs = Array.from({ length: 4 }, run)
      return Promise.all(
        runs.map(async (child) => {
          const out = await new Response(child.stdout).text()
          const err = await new Response(child.stderr).text()
          expect([await child.exited, err]).toEqual([0, ''])
          return (JSON.parse(out) as { applied: string[] }).applied
        }),
      )
    }
    const names = migrations.map(({ name }) => name)
    expect((await all()).flat().toSorted()).toEqual(names)
    for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
    const older = openDatabase(path)
    migrate(older.sqlite, { now: 0, known: migrations.slice(0, -2) })
    older.close()
    expect((await all()).flat().toSorted()).toEqual(names.slice(-2))
    const backups = readdirSync(folder.path).filter((name) => name.startsWith('pollux-before-'))
    expect(backups).toHaveLength(1)
  }, 60_000)

  test('migrate changes nothing beneath a running server, and says so', async () => {
    await using folder = await temporaryFolder()
    const path = folder.file('pollux.db')
    const environment = { DATABASE_URL: `file:${path}` }
    const database = openDatabase(path)
    migrate(database.sqlite, { now: 0, known: migrations.slice(0, -1) })
    const unlock = lockDatabase(path)
    const { code, err } = await pollux(['migrate'], environment)
    expect([code, err]).toEqual([1, expect.stringContaining('Another Pollux server is running')])
    expect(pendingMigrations(database.sqlite)).toHaveLength(1)
    unlock()
    expect(await pollux(['migrate'], environment)).toMatchObject({ code: 0 })
    const again = lockDatabase(path)
    // Nothing to do: no reason to refuse.
    expect(await pollux(['migrate'], environment)).toMatchObject({ code: 0 })
    again()
    database.close()
  }, 30_000)

  test('jobs and user say that a database is missing, and make none', async () => {
    await using folder = await temporaryFolder()
    const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${folder.file('pollux.db')}` }
    const { code, err } = await pollux(['jobs', 'list'], environment)
    expect(code).toBe(1)
    expect(err).toContain('There is no database')
    expect(await Bun.file(folder.file('pollux.db')).exists()).toBe(false)
  })

  test('openapi prints the document of docs/ without any configuration, /metrics included', async () => {
    const { code, out } = await pollux(['openapi'])
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(out).paths)).toContain('/metrics')
    expect(out).toBe(await Bun.file('docs/openapi.json').text())
  })
})
