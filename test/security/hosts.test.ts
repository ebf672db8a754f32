import { expect, test } from 'bun:test'
import { isLocalHost } from '#src/lib/cross-site.ts'
import { createTestApp } from '#test/support/test-app.ts'

const FOREIGN = [
  'evil.example',
  'evil.example:3000',
  'localhost.evil.example',
  'localhost.evil.example:3000',
  'evil-localhost',
  '127.0.0.1.evil.example',
  '127.0.0.1.nip.io',
  'xn--lcalhost-54a',
  'pollux.example.com.evil.example',
]
const OURS = [
  'localhost',
  'localhost:3000',
  'LOCALHOST:3000',
  'localhost.',
  'app.localhost:3000',
  '127.0.0.1:3000',
  '[::1]:3000',
  // An address cannot be pointed elsewhere: a phone on the same network may look.
  '192.168.1.20:3000',
  'pollux.example.com',
  'laptop.example.net:8080',
]
const settings = {
  publicUrl: 'https://pollux.example.com',
  developmentHosts: ['laptop.example.net'],
}

function ask(app: ReturnType<typeof createTestApp>['app'], path: string, host: string) {
  return app.handle(new Request(`http://localhost${path}`, { headers: { host } }))
}

test('in development only names of this machine are answered, on every path and method', async () => {
  const { app } = createTestApp({ nodeEnv: 'development', ...settings })
  for (const host of FOREIGN) {
    for (const path of ['/livez', '/swagger', '/v1/user/me', '/nowhere']) {
      const answer = await ask(app, path, host)
      expect([host, path, answer.status]).toEqual([host, path, 421])
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
    const code = await app.handle(
      new Request('http://localhost/v1/auth/send-otp', {
        method: 'POST',
        headers: { host, 'content-type': 'application/json' },
        body: '{"phone":"+12025550100"}',
      }),
    )
    expect([host, code.status]).toEqual([host, 421])
    expect(await code.text()).not.toContain('otp"')
  }
  for (const host of OURS) {
    expect([host, (await ask(app, '/livez', host)).status]).toEqual([host, 200])
  }
})

test('in production every name is answered: which ones lead here is for the proxy to say', async () => {
  const { app } = createTestApp({ nodeEnv: 'production' })
  for (const host of [...FOREIGN, ...OURS]) {
    expect([host, (await ask(app, '/livez', host)).status]).toEqual([host, 200])
  }
})

test('what is no host name is not a name of this machine', () => {
  for (const host of [
    '',
    ' ',
    'a b',
    'localhost/evil.example',
    'evil.example/localhost',
    '@',
    ':80',
    'evil.example@localhost',
    'localhost\\.evil.example',
    'localhost#',
    'localhost?a',
  ]) {
    expect([host, isLocalHost(host, ['pollux.example.com'])]).toEqual([host, false])
  }
})
