import { expect, test } from 'bun:test'
import { temporaryFolder } from '#test/support/folder.ts'
import { fromSource } from '#test/support/server.ts'

/** One line for a person: no frame of the program's own. */
async function refusal(settings: Record<string, string>, argv: string[] = []): Promise<string> {
  await using folder = await temporaryFolder()
  const child = Bun.spawn([...fromSource, ...argv], {
    env: { NODE_ENV: 'test', PORT: '0', DATABASE_URL: `file:${folder.file('p.db')}`, ...settings },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const [complaint, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
  expect(code).toBe(1)
  expect(complaint.trim().split('\n')).toHaveLength(1)
  return complaint
}

test('a port for metrics that is taken is named, with its setting', async () => {
  using taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const port = String(taken.port)
  const complaint = await refusal({
    HOST: '127.0.0.1',
    METRICS_PORT: port,
    METRICS_TOKEN: 'm'.repeat(32),
  })
  expect(complaint).toContain(
    `Port ${port} is in use. Stop what listens there, or set METRICS_PORT.`,
  )
})

test('an address that is not this machine’s is named, with its setting', async () => {
  // TEST-NET-1 of RFC 5737: nobody's.
  expect(await refusal({ HOST: '192.0.2.1' })).toContain(' HOST=192.0.2.1')
  const metrics = { HOST: '127.0.0.1', METRICS_HOST: '192.0.2.1', METRICS_PORT: '9' }
  expect(await refusal(metrics)).toContain(' METRICS_HOST=192.0.2.1')
})

test('a folder that cannot be made is named, and is not taken for a port', async () => {
  const complaint = await refusal({ DATABASE_URL: 'file:/proc/nowhere/p.db' })
  expect(complaint).toContain('/proc/nowhere')
  expect(complaint).not.toContain('port')
})

test('a folder for a backup is refused by its name', async () => {
  await using folder = await temporaryFolder()
  expect(await refusal({}, ['restore', folder.file('.')])).toContain(folder.file('.'))
})
