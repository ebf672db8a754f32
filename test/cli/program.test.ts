import { describe, expect, test } from 'bun:test'
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
