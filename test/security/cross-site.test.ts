import { describe, expect, test } from 'bun:test'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { createSmsStandIn } from '#standins/sms/server.ts'
import { createStripeStandIn } from '#standins/stripe/server.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'
import { createWholeApp } from '#test/support/whole-app.ts'

const APP = 'https://app.example.com'
const EVIL = 'https://evil.example'
const FORM = 'application/x-www-form-urlencoded'
const phone = '+12025550100'

/** What a browser sends for a form on a page: at its own origin, at another one, or typed into the address bar. */
const REFUSED: Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site', origin: EVIL },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'cross-site', origin: 'null' },
  // A subdomain next to ours may be another's.
  { 'sec-fetch-site': 'same-site', origin: 'http://pages.localhost' },
  { 'sec-fetch-site': 'a-word-of-tomorrow', origin: EVIL },
  // Browsers before 2023.
  { origin: EVIL },
  { origin: 'null' },
  { origin: 'http://localhost:8080' },
  { origin: `${APP}.evil.example` },
  { origin: EVIL, authorization: 'Basic eDp5' },
]
const ALLOWED: Record<string, string>[] = [
  {},
  { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' },
  { 'sec-fetch-site': 'none' },
  { origin: 'http://localhost' },
  // A proxy ended TLS.
  { origin: 'https://localhost' },
  { 'sec-fetch-site': 'cross-site', origin: APP },
  { 'sec-fetch-site': 'same-site', origin: APP },
  { origin: APP },
]

function setUp() {
  const test = createTestApp({ corsOrigins: [APP], otpPerIpHour: 1_000, authPerIpMinute: 1_000 })
  const post = (path: string, headers: Record<string, string>) =>
    test.send('POST', path, {
      body: new URLSearchParams({ phone }).toString(),
      headers: { host: 'localhost', 'content-type': FORM, ...headers },
    })
  return { ...test, post }
}

describe('A page of another origin', () => {
  test.each(['signup', 'send-otp', 'forgot-password'])(
    'cannot make a browser call %s: nothing is written and no code is sent',
    async (name) => {
      const { post, database } = setUp()
      for (const headers of REFUSED) {
        const answer = await post(`/v1/auth/${name}`, headers)
        expect([headers, answer.status]).toEqual([headers, 403])
        expect((await json<ProblemJson>(answer)).type).toBe('/problems/cross-site')
      }
      for (const table of ['users', 'otp_challenges', 'jobs', 'rate_limits']) {
        const rows = database.sqlite.query(`SELECT 1 FROM ${table}`).all()
        expect([table, rows]).toEqual([table, []])
      }
    },
  )

  test('of an allowed origin, our own page, and a program may', async () => {
    const { post } = setUp()
    for (const headers of ALLOWED) {
      const { status } = await post('/v1/auth/signup', headers)
      expect([headers, status]).toEqual([headers, 202])
    }
  })

  test('is refused on every POST without a token, and nothing else is', async () => {
    const { app, send, signIn } = createWholeApp()
    const headers = { 'sec-fetch-site': 'cross-site', origin: EVIL }
    const { token } = await signIn()
    for (const { method, path } of app.routes) {
      const answer = await app.handle(
        new Request(`http://localhost${path.replaceAll(/:\w+/g, 'x')}`, { method, headers }),
      )
      const isSafe = ['GET', 'HEAD'].includes(method)
      expect([method, path, answer.status === 403]).toEqual([method, path, !isSafe])
      await answer.body?.cancel()
    }
    // A browser asks before it sends a token, and CORS answers that.
    const room = await send('POST', '/v1/chatroom', { token, headers })
    expect([room.status, room.headers.get('access-control-allow-origin')]).toEqual([201, null])
  })

  test('does not keep Stripe’s deliveries out, which no browser sends', async () => {
    const { send } = createTestApp()
    expect((await send('POST', '/v1/webhook/stripe', { body: {} })).status).toBe(503)
  })
})

test('no HTML page of this server can be framed', async () => {
  const { app } = createWholeApp()
  const pages: string[] = []
  for (const { method, path } of app.routes) {
    if (method !== 'GET') continue
    const url = `http://localhost${path.replace(':slug', 'validation').replaceAll(/:\w+/g, 'x')}`
    const answer = await app.handle(new Request(url, { headers: { accept: 'text/html' } }))
    const policy = answer.headers.get('content-security-policy')
    // Refusals and JSON may be looked at in a frame as well.
    expect([path, policy]).toEqual([path, expect.stringContaining("frame-ancestors 'none'")])
    if (answer.headers.get('content-type')?.includes('text/html')) pages.push(path)
    await answer.body?.cancel()
  }
  expect(pages.sort()).toEqual(['/problems/:slug', '/swagger', '/v1/subscription/return'])
})

describe('A stand-in', () => {
  const start = {
    Gemini: () => createGeminiStandIn(),
    Stripe: () => createStripeStandIn({ webhookSecret: 'whsec_test' }),
    SMS: () => createSmsStandIn({ secret: Buffer.alloc(24).toString('base64') }),
  }
  test.each(['Gemini', 'Stripe', 'SMS'] as const)(
    '(%s) refuses posts of other origins and names that are not of this machine',
    async (name) => {
      const standIn = start[name]()
      try {
        const statusOf = async (method: string, headers: Record<string, string>) => {
          const { status } = await fetch(standIn.url, { method, headers })
          return status
        }
        for (const headers of REFUSED) {
          const status = await statusOf('POST', headers)
          expect([headers, status]).toEqual([headers, 403])
        }
        const own = await statusOf('POST', { origin: standIn.url, 'sec-fetch-site': 'same-origin' })
        expect([403, 421]).not.toContain(own)
        expect([403, 421]).not.toContain(await statusOf('POST', {}))
        for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example']) {
          for (const method of ['GET', 'POST']) {
            expect([host, method, await statusOf(method, { host })]).toEqual([host, method, 421])
          }
        }
        const page = await fetch(standIn.url)
        if (name !== 'Gemini') {
          expect(page.headers.get('content-security-policy')).toBe("frame-ancestors 'none'")
        }
      } finally {
        await standIn.stop()
      }
    },
  )
})
