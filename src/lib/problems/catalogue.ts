import { accountProblems } from './account.ts'
import type { ProblemKind } from './kind.ts'
import { usageProblems } from './usage.ts'

/**
 * The POSTs of a user that create something, here or at Stripe, and so honour an Idempotency-Key. A stranger's, such as
 * a sign-up, cannot: a key belongs to a user.
 */
export const IDEMPOTENT =
  /^POST \/v1\/(subscribe\/pro|subscription\/portal|user\/me\/deletion-code|chatroom(\/:id\/message(\/:messageId\/regenerate)?)?)$/
const PAGED = /^GET \/v1\/(chatroom(\/:id\/message\/all)?|search|auth\/sessions)$/
const PROMPTS = /^POST \/v1\/chatroom\/:id\/message(\/:messageId\/regenerate)?$/

const kinds = {
  ...accountProblems,
  ...usageProblems,
  'already-final': {
    status: 409,
    detail: 'This message is final; there is nothing left to cancel.',
    meaning: 'The reply ended before the cancel arrived, or the message is a prompt.',
    remedy: 'Read the message: it shows how it ended.',
    on: /\/cancel$/,
  },
  'already-subscribed': {
    status: 409,
    detail:
      'This account has a subscription. Manage it, or pay what is open, on the page that POST /v1/subscription/portal gives.',
    meaning: 'The account has a subscription that is paid, in its trial, or waiting for a payment.',
    remedy:
      'Open the page of POST /v1/subscription/portal; GET /v1/subscription/status tells how things stand.',
    on: /^POST \/v1\/subscribe\/pro$/,
  },
  'billing-busy': {
    status: 409,
    detail: 'Another request about this account’s subscription is still running.',
    meaning: 'The requests of one account that ask Stripe run one after the other.',
    remedy: 'Send it again after the seconds in Retry-After.',
    on: /^POST \/v1\/(subscribe\/pro|subscription\/(portal|cancel|resume|sync))$/,
  },
  'billing-unavailable': {
    status: 503,
    detail: 'Stripe cannot be reached now. Try again shortly.',
    meaning:
      'Stripe did not answer, or this server is not set up for payments. Nothing was charged or changed.',
    remedy: 'Try again after the seconds in Retry-After. If it stays, ask whoever runs the server.',
    on: /^[A-Z]+ \/v1\/(subscri|webhook|plans)/,
  },
  'body-too-large': {
    status: 413,
    detail: 'The body may hold at most 65536 bytes.',
    meaning: 'The body of the request is larger than this route takes.',
    remedy: 'Send less: at most 64 KiB, and 512 KiB for Stripe’s webhook.',
  },
  'cancel-pending': {
    status: 503,
    detail: 'The reply was asked to stop and will end soon; its worker has not answered yet.',
    meaning:
      'The cancel is stored and will happen; the reply had not ended when the answer was due.',
    remedy: 'Read the message after the seconds in Retry-After; there is no need to cancel again.',
    on: /\/cancel$/,
  },
  'cross-site': {
    status: 403,
    detail:
      'Pages of this origin may not call the API. An operator allows origins with CORS_ORIGINS.',
    meaning:
      'A browser sent this for a page of another origin, and without a token. That origin is not one that this server allows.',
    remedy:
      'Call the API from an allowed origin or from a program. Operators: add the origin of your pages to CORS_ORIGINS.',
    on: /^POST \/v1\/auth\/(signup|send-otp|verify-otp|refresh|forgot-password|reset-password)$/,
  },
  'database-unavailable': {
    status: 503,
    detail: 'The database cannot take this now. Try again shortly.',
    meaning:
      'The server cannot read or write its database at the moment. Nothing of the request was kept.',
    remedy: 'Send the same request again after the seconds in Retry-After.',
  },
  'idempotency-key-in-use': {
    status: 409,
    detail: 'The first request with this Idempotency-Key is still running.',
    meaning: 'A request with the same Idempotency-Key arrived before and has no answer yet.',
    remedy: 'Send it again after the seconds in Retry-After: it then gives the first one’s answer.',
    on: IDEMPOTENT,
  },
  'idempotency-key-reused': {
    status: 422,
    detail: 'This Idempotency-Key came with another request before.',
    meaning: 'The key was used within the last 24 hours for another body or another route.',
    remedy: 'Make a new key for each new thing to create; keep a key only to repeat one request.',
    on: IDEMPOTENT,
  },
  internal: {
    status: 500,
    detail: 'Something went wrong on our side. Quote the request id if you report it.',
    meaning: 'A fault of the server. Its cause is in the server’s log under the request id.',
    remedy: 'Try again later; if it stays, report it with the request id in `instance`.',
  },
  'invalid-cursor': {
    status: 400,
    detail: 'This cursor is not one of this list. Start from its first page.',
    meaning: 'The cursor was changed, is of another list, or of the same list with other filters.',
    remedy: 'Leave `cursor` out to start anew, then give each `nextCursor` back as it came.',
    on: PAGED,
  },
  'invalid-host': {
    status: 400,
    detail: 'Send one Host header that names a host.',
    meaning: 'The Host header is missing, given twice, or no host name.',
    remedy: 'Any HTTP client sends the right one; look at the proxy in between.',
    // Refused before any route: no operation lists it.
    on: /^$/,
  },
  'invalid-webhook': {
    status: 400,
    detail:
      'This is not a delivery of Stripe signed with a secret of this endpoint in the last five minutes.',
    meaning:
      'The signature does not fit the body and any of the endpoint’s secrets, or it is too old.',
    remedy:
      'Deliveries come from Stripe alone. If these do, compare STRIPE_WEBHOOK_SECRETS with Stripe’s dashboard, and the server’s clock with the time.',
    on: /^POST \/v1\/webhook\/stripe$/,
  },
  'malformed-body': {
    status: 400,
    detail: 'The body is not valid JSON.',
    meaning: 'The body could not be parsed as what its Content-Type says.',
    remedy: 'Check that the JSON is complete, and that Content-Type tells the truth.',
    on: /^(POST|PATCH|PUT|DELETE) /,
  },
  'method-not-allowed': {
    status: 405,
    detail: 'Allowed here: GET, POST.',
    meaning: 'The path exists and does not answer this method.',
    remedy: 'Use one of the methods in the `Allow` header.',
  },
  'not-a-reply': {
    status: 422,
    detail: 'Only a reply can be regenerated, not a prompt.',
    meaning: 'The id in the path is that of a prompt.',
    remedy: 'Give the id of the reply: the message whose `replyTo` is the prompt.',
    on: /\/regenerate$/,
  },
  'not-found': {
    status: 404,
    detail: 'There is nothing here, or it is not yours.',
    meaning:
      'Nothing is at this path, or it belongs to somebody else: the two look the same on purpose.',
    remedy: 'Check the ids in the path, and that the access token is of the right account.',
  },
  'not-ready': {
    status: 503,
    detail: 'The worker is not running.',
    meaning: 'The server runs and is not yet, or no longer, able to serve; `detail` says why.',
    remedy: 'Wait, or look at the server’s log if you run it.',
    on: /^GET \/readyz$/,
  },
  'no-connections-left': {
    status: 503,
    detail: 'Too many connections are open. Try again in 5 seconds.',
    meaning:
      'The server keeps its last connections for short requests, so it opens no stream and starts no wait now.',
    remedy:
      'Try again after the seconds in Retry-After; until then, read without `wait`. Operators: raise the limit on open files.',
    on: /^GET \/v1\/chatroom\/:id\/(events|message\/:messageId)$/,
  },
  'not-subscribed': {
    status: 409,
    detail: 'This account has no subscription. POST /v1/subscribe/pro gives the page to get one.',
    meaning: 'There is no subscription to manage, cancel or resume.',
    remedy: 'Subscribe with POST /v1/subscribe/pro first.',
    on: /^POST \/v1\/subscription\/(portal|cancel|resume)$/,
  },
  'reply-not-final': {
    status: 409,
    detail: 'This reply is still in the making. Cancel it first, or wait.',
    meaning: 'Another version can be asked for once this one has ended.',
    remedy: 'Wait until the reply is final, or cancel it, then ask again.',
    on: /\/regenerate$/,
  },
  'shutting-down': {
    status: 503,
    detail: 'This server is about to stop. Send the prompt again.',
    meaning: 'The server is stopping, or being replaced, and takes no new prompts.',
    remedy:
      'Send the same request again after the seconds in Retry-After, with its Idempotency-Key.',
    on: PROMPTS,
  },
  'too-many-at-once': {
    status: 429,
    detail: 'At most 10 of these may be open at once. Close or read some, then try again.',
    meaning:
      'A user may have a number of requests, event streams and exports open at once; an answer that is not read counts until it is. RateLimit-Policy names the limit and its number.',
    remedy: 'Read or close what is open, then try again after the seconds in Retry-After.',
  },
  unauthenticated: {
    status: 401,
    detail: 'Give a valid access token as a bearer token.',
    meaning: 'The access token is missing, malformed, expired, or its session has ended.',
    remedy:
      'Send `Authorization: Bearer <token>`; get a new token with POST /v1/auth/refresh or by logging in.',
    on: /./,
  },
  'unknown-host': {
    status: 421,
    detail:
      'In development this server answers only to names of this machine. Add others to DEVELOPMENT_HOSTS.',
    meaning:
      'The Host header names another machine. A page could have pointed that name here to read one-time codes (DNS rebinding).',
    remedy: 'Use localhost or an address, or add the name to DEVELOPMENT_HOSTS.',
    // Refused before any route, and in development only: no operation lists it.
    on: /^$/,
  },
  'unsupported-media-type': {
    status: 415,
    detail: 'Send the body as application/json or application/x-www-form-urlencoded.',
    meaning: 'The body came in a format this server does not read.',
    remedy: 'Send JSON or a urlencoded form, and name it in Content-Type.',
  },
  validation: {
    status: 422,
    detail: 'Some fields are not valid.',
    meaning: 'Fields are missing, unknown, of the wrong type or outside what is allowed.',
    remedy: 'Read `errors`: each has a JSON pointer to the field and says what is allowed there.',
    extras: {
      errors: [
        {
          pointer: '/title',
          detail:
            'must be 1 to 200 characters, at least one of them visible, without control or text direction characters',
        },
      ],
    },
  },
} satisfies Record<string, ProblemKind>

export type ProblemSlug = keyof typeof kinds

/** Every problem that the server can answer with. A test checks that the code uses each, and no other. */
export const problemCatalogue: Record<ProblemSlug, ProblemKind> = kinds
