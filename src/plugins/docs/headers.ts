import { IDEMPOTENT } from '#src/lib/problems/catalogue.ts'
import type { Header, Parameter, Reference } from './types.ts'

/** Every response header a client may rely on. */
export const headers: Record<string, Header> = {
  'X-Request-Id': {
    description: 'The id of this request: a valid one of the caller’s is kept.',
    required: true,
    schema: { type: 'string' },
    example: '0c6a1f6e-6f0b-4a5c-9d1e-1f6f4f1f7b7a',
  },
  Location: {
    description: 'Path of what was created.',
    schema: { type: 'string', format: 'uri-reference' },
    example: '/v1/chatroom/019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13',
  },
  'RateLimit-Policy': {
    description:
      'The limits that apply: `q` requests in a window of `w` seconds (draft-ietf-httpapi-ratelimit-headers). A Pro user gets no `daily` policy.',
    schema: { type: 'string' },
    example: '"daily";q=5;w=86400',
  },
  RateLimit: {
    description: 'What is left: `r` requests, and `t` seconds until the window starts anew.',
    schema: { type: 'string' },
    example: '"daily";r=2;t=36400',
  },
  'Retry-After': {
    description: 'Seconds to wait before asking again.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
    example: '5',
  },
  'Idempotent-Replayed': {
    description:
      'There, and `true`, when this is the answer first given to the same Idempotency-Key.',
    schema: { type: 'string', enum: ['true'] },
    example: 'true',
  },
  'WWW-Authenticate': {
    description: 'How to authenticate (RFC 6750).',
    schema: { type: 'string' },
    example: 'Bearer error="invalid_token"',
  },
}

export const parameters: Record<string, Parameter> = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Makes a repeat safe: the same key and body within 24 hours replays the first answer instead of creating again. Take a new UUID for each new thing.',
    // No example: the page would fill it in, and the second thing tried would be refused.
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]{1,255}$' },
  },
  StripeSignature: {
    name: 'Stripe-Signature',
    in: 'header',
    required: true,
    description: 'Stripe’s signature over the time and the raw body.',
    schema: { type: 'string' },
    example: 't=1763827200,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd',
  },
}

const CREATES = /^POST \/v1\/chatroom(\/:id\/message(\/:messageId\/regenerate)?)?$/
const METERED = /^[A-Z]+ \/v1\/chatroom\/:id\/(message|events)/

/** The headers of one answer; `route` is e.g. `POST /v1/chatroom`. */
export function headersOf(route: string, status: number): Record<string, Reference> {
  const names = ['X-Request-Id']
  const success = status < 300
  if (success && CREATES.test(route)) names.push('Location')
  if (success && IDEMPOTENT.test(route)) names.push('Idempotent-Replayed')
  if (status === 401) names.push('WWW-Authenticate')
  if (status === 429 || (success && METERED.test(route)))
    names.push('RateLimit', 'RateLimit-Policy')
  if (status === 429 || status === 503) names.push('Retry-After')
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}
