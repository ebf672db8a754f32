import { expect, test } from 'bun:test'
import { createTestApp } from '#test/support/test-app.ts'

const origin = 'https://app.example.com'
const preflight = { origin, 'access-control-request-method': 'POST' }

test('without CORS_ORIGINS no page of another origin may read an answer', async () => {
  const { send } = createTestApp()
  const answer = await send('GET', '/livez', { headers: { origin } })
  expect(answer.headers.get('access-control-allow-origin')).toBeNull()
})

test('an allowed origin may, refusals included, and never with credentials', async () => {
  const { send } = createTestApp({ corsOrigins: [origin] })
  for (const path of ['/livez', '/v1/user/me', '/nowhere']) {
    const answer = await send('GET', path, { headers: { origin } })
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    expect(answer.headers.get('vary')).toBe('Origin')
    expect(answer.headers.get('access-control-expose-headers')).toContain('RateLimit')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  }
  // Those that may be kept are kept for each origin apart.
  for (const path of ['/problems/validation', '/swagger', '/swagger/json']) {
    const { headers } = await send('GET', path, { headers: { origin } })
    expect([path, headers.get('vary')]).toEqual([path, expect.stringContaining('origin')])
  }
  const answer = await send('OPTIONS', '/v1/chatroom', { headers: preflight })
  expect(answer.status).toBe(204)
  expect(answer.headers.get('access-control-allow-headers')).toContain('Idempotency-Key')
})

test('others may not: neither null, nor a subdomain, nor another scheme', async () => {
  const { send } = createTestApp({ corsOrigins: [origin] })
  const others = ['null', 'https://evil.app.example.com', 'http://app.example.com', `${origin}:444`]
  for (const other of others) {
    const headers = { ...preflight, origin: other }
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await send(method, '/v1/chatroom', { headers })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
  }
})

test('every answer says not to keep, sniff or frame it', async () => {
  const { send } = createTestApp()
  for (const path of ['/livez', '/v1/user/me', '/nowhere']) {
    const { headers } = await send('GET', path)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  }
})
