import { Elysia } from 'elysia'

/**
 * For every answer: not to be kept, sniffed, framed or run (OWASP REST Security Cheat Sheet). Pages for a
 * browser set a policy of their own, which wins.
 */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export function createSecurityHeaders() {
  return new Elysia({ name: 'security-headers' }).onRequest(({ set }) => {
    Object.assign(set.headers, HEADERS)
  })
}
