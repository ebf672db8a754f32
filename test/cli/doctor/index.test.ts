import { expect, test } from 'bun:test'
import { runCommandLine } from '#src/cli/program.ts'
import { temporaryFolder } from '#test/support/folder.ts'

async function doctor(environment: Record<string, string>, ...flags: string[]) {
  const written = { out: '', err: '' }
  const code = await runCommandLine(['doctor', '--offline', ...flags], {
    environment,
    print: async (text) => {
      written.out += `${text}\n`
    },
    complain: async (text) => {
      written.err += `${text}\n`
    },
  })
  return { code, ...written }
}

test('pollux doctor lists every fault of a configuration that cannot be read', async () => {
  const { code, out, err } = await doctor({ PORT: 'x' })
  expect(code).toBe(1)
  for (const name of ['PORT', 'JWT_SECRET', 'GEMINI_API_KEY']) expect(out).toContain(name)
  expect(err).toContain('error(s)')
})

test.each(['https://app.example.com/', 'https://app.example.com/chat', '*', 'app.example.com'])(
  'CORS_ORIGINS=%s, which no browser sends as an origin, is refused',
  async (origin) => {
    const { code, out } = await doctor({ NODE_ENV: 'test', CORS_ORIGINS: origin })
    expect(code).toBe(1)
    expect(out).toContain(`error · configuration\n  CORS_ORIGINS cannot be '${origin}'`)
  },
)

test('pollux doctor --json is for scripts, and warnings are no failure', async () => {
  await using folder = await temporaryFolder()
  const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${folder.file('pollux.db')}` }
  const { code, out } = await doctor(environment, '--json')
  expect(code).toBe(0)
  const { findings } = JSON.parse(out) as { findings: { level: string; check: string }[] }
  expect(findings.map(({ check }) => check)).toContain('environment')
  expect(findings.every(({ level }) => level === 'warning')).toBe(true)
})

test('pollux doctor notices a name of the prototype', async () => {
  await using folder = await temporaryFolder()
  const environment = { NODE_ENV: 'test', DATABASE_URL: `file:${folder.file('p.db')}` }
  const { out } = await doctor({ ...environment, SERVER_PORT: '3001' })
  expect(out).toContain('warning · renamed\n  SERVER_PORT is understood as PORT')
})
