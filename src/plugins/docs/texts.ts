import type { RequestBody } from './types.ts'

/** What the document says of the API as a whole. */
export const info = {
  title: 'Pollux',
  version: '1',
  summary: 'A Gemini-style chat backend: phone login, chatrooms, durable streamed answers.',
  description: [
    'Sign up by phone, log in with a one-time code, open a chatroom, send prompts; answers come from Google',
    'Gemini through a durable queue. A Basic account has a number of prompts a day, a Pro subscription has no limit.',
    '',
    '- **Bodies** are JSON, or the same fields urlencoded. An unknown field is refused.',
    '- **Characters** of a length are UTF-16 code units, as JavaScript counts: most emoji are two. A body has at most',
    '  65 536 bytes besides, which is some 21 000 Chinese characters.',
    '- **Errors** are RFC 9457 problem details; `type` is the path of a page that explains the problem.',
    '- **Ids** are UUIDv7, **instants** RFC 3339 in UTC.',
    '- **Lists** give `items` and `nextCursor`; hand it back as `?cursor=` for the next page.',
    '- **Every answer** carries `X-Request-Id`. Quote it when you report something.',
    '- **Safe repeats**: a POST that creates something takes an `Idempotency-Key`.',
    '',
    'To try it here: `POST /v1/auth/signup`, `/send-otp`, `/verify-otp`, then give the token to **Authorize**.',
  ].join('\n'),
  contact: { name: 'Whoever runs this server' },
  license: { name: 'MIT', identifier: 'MIT' },
}

/** The groups of the page, in its order. */
export const tags = [
  { name: 'Auth', description: 'Sign up, log in with a one-time code, keep and end sessions.' },
  { name: 'User', description: 'The account behind the token.' },
  { name: 'Chatrooms', description: 'A room holds a conversation, its instruction and its model.' },
  { name: 'Messages', description: 'Prompts, their replies, and the live stream of a room.' },
  { name: 'Search', description: 'Full-text search over one’s own messages.' },
  {
    name: 'Subscription',
    description: 'Pro by Stripe: subscribe, manage, and the webhook Stripe calls.',
  },
  { name: 'Health', description: 'For load balancers and monitoring.' },
  { name: 'Documentation', description: 'This document, and a page for each problem.' },
]

export const securitySchemes = {
  bearerAuth: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The `token` of POST /v1/auth/verify-otp or /refresh.',
  },
  metricsToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The METRICS_TOKEN of whoever runs the server.',
  },
}

const parameters: Record<string, string> = {
  'chatroom/{id}': 'The chatroom’s id.',
  '{messageId}': 'The id of a message of this chatroom.',
  'sessions/{id}': 'The session’s id.',
  '{slug}': 'The last part of a problem’s `type`.',
}

/** What a path parameter is, told by where it stands in the path. */
export function describeParameter(path: string, name: string): string | undefined {
  const found = Object.keys(parameters).find((place) => {
    const [, written] = /(\{.*\})/.exec(place) ?? []
    return written === `{${name}}` && path.includes(place)
  })
  return found === undefined ? undefined : parameters[found]
}

/** The meaning of a success where the route's schema does not say. */
export const successes: Record<string, string> = {
  200: 'Done.',
  201: 'Created.',
  202: 'Accepted.',
  204: 'Done; there is nothing to say.',
}

/** Bodies that a route reads raw, and so has no schema for. */
export const bodiesOutsideSchemas: Record<string, RequestBody> = {
  'POST /v1/webhook/stripe': {
    description: 'The event as Stripe sent it, byte for byte: the signature is over these bytes.',
    required: true,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['id', 'type', 'data'],
          properties: {
            id: { type: 'string' },
            type: { type: 'string' },
            data: { type: 'object', additionalProperties: true },
          },
          additionalProperties: true,
        },
        example: {
          id: 'evt_1QZk2a2eZvKYlo2C',
          object: 'event',
          type: 'customer.subscription.updated',
          livemode: false,
          created: 1763827200,
          data: { object: { id: 'sub_1QZk2a', object: 'subscription', customer: 'cus_RZk2a' } },
        },
      },
    },
  },
}

/** A second media type of an answer, chosen by `Accept`. */
export const otherMediaTypes: Record<string, string> = { 'GET /problems/:slug': 'text/html' }
