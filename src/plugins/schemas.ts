import { type Static, type TSchema, t } from 'elysia'
import { PLAIN_LINE } from '#src/lib/plain-text.ts'

/** What the name of a schema begins with: where the document has it. */
const COMPONENT = '#/components/schemas/'

/** Schemas that several modules' routes share. */
export const ProblemBody = t.Object(
  {
    type: t.String({ description: 'Path of a page that explains this problem.' }),
    title: t.String(),
    status: t.Integer(),
    detail: t.String(),
    instance: t.String({ description: 'The request id.' }),
    errors: t.Optional(t.Array(t.Object({ pointer: t.String(), detail: t.String() }))),
  },
  { description: 'RFC 9457 problem details.', additionalProperties: true },
)

export const Limit = t.Optional(
  t.String({
    pattern: '^([1-9][0-9]?|100)$',
    description: 'Most items on the page, 1–100; 50 by default.',
    error: 'must be a whole number from 1 to 100',
  }),
)

export const Cursor = t.Optional(
  // Of any length: one that is not of this list is 400.
  t.String({ description: 'nextCursor of the page before.' }),
)

const meanings: Record<number, string> = {
  400: 'The request cannot be understood.',
  401: 'The access token is missing, malformed, expired or revoked.',
  403: 'Not allowed.',
  404: 'It does not exist, or it is another’s.',
  409: 'It conflicts with the present state.',
  413: 'The body is too large.',
  415: 'The content type is not supported.',
  422: 'Some fields are not valid.',
  429: 'Too many; see Retry-After.',
  500: 'A fault of ours.',
  503: 'Not now; see Retry-After.',
}

/**
 * The problem answers a route declares, each with what it means there. A route that asks for a token (401) may also
 * answer that its user has too many requests in flight (429).
 */
export function problems<const S extends number>(...statuses: S[]): Record<S, typeof ProblemBody> {
  const given: number[] = statuses
  const ofUsers = given.includes(401) && !given.includes(429) ? [429] : []
  const entries = [...given, ...ofUsers, 500, 503].map((status) => [
    status,
    t.Object(ProblemBody.properties, {
      description: meanings[status] ?? 'A problem.',
      additionalProperties: true,
    }),
  ])
  // The keys are the statuses given, each with the problem's schema.
  return Object.fromEntries(entries) as Record<S, typeof ProblemBody>
}

/**
 * Answers, each named for the document, which Elysia would otherwise check and copy at each request: longer
 * than it takes to read them from the database. What the tests send has every answer held against the same
 * schemas, more strictly. Not `.model()`: at each `use` it builds all models known by then anew.
 */
export function answers<M extends Record<string, TSchema>>(models: M): M {
  for (const [name, model] of Object.entries(models)) t.NoValidate(model).$id = COMPONENT + name
  return models
}

/** The schemas that {@link answers} named, in and within `schema`, by their names. */
export function namedWithin(schema: unknown): [string, object][] {
  if (typeof schema !== 'object' || schema === null) return []
  const id = '$id' in schema && typeof schema.$id === 'string' ? schema.$id : ''
  const within = Object.values(schema).flatMap(namedWithin)
  return id.startsWith(COMPONENT) ? [[id.slice(COMPONENT.length), schema], ...within] : within
}

/** The body of a route that takes nothing: none, or an empty object. Without a schema Elysia would take any. */
export const EmptyBody = t.Optional(t.Object({}, { additionalProperties: false }))

export const Quota = t.Object(
  {
    limit: t.Nullable(t.Integer({ description: 'Prompts a day; null: no limit (Pro).' })),
    used: t.Optional(t.Integer()),
    remaining: t.Optional(t.Integer()),
    resetsAt: t.Optional(t.String({ format: 'date-time' })),
  },
  {
    description: 'The daily prompts of a Basic user; for Pro only `limit: null`.',
    examples: [
      { limit: 5, used: 2, remaining: 3, resetsAt: '2026-11-23T00:00:00.000Z' },
      { limit: null },
    ],
  },
)

export type Quota = Static<typeof Quota>

export const User = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    phone: t.String({ description: 'E.164.' }),
    name: t.Nullable(t.String()),
    tier: t.Union([t.Literal('basic'), t.Literal('pro')]),
    hasPassword: t.Boolean({ description: 'Whether logging in asks for a password too.' }),
    createdAt: t.String({ format: 'date-time' }),
    quota: Quota,
    storage: t.Object({
      usedBytes: t.Integer({
        description: 'UTF-8 bytes of prompts, replies, titles and system prompts.',
      }),
      limitBytes: t.Integer(),
    }),
  },
  {
    description: 'A user, as only they see themselves.',
    examples: [
      {
        id: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13',
        phone: '+4930901820',
        name: 'Ada',
        tier: 'basic',
        hasPassword: true,
        createdAt: '2026-11-22T16:02:41.120Z',
        quota: { limit: 5, used: 2, remaining: 3, resetsAt: '2026-11-23T00:00:00.000Z' },
        storage: { usedBytes: 18_204, limitBytes: 50_000_000 },
      },
    ],
  },
)

export type User = Static<typeof User>

export const UserName = t.String({
  minLength: 1,
  maxLength: 100,
  pattern: PLAIN_LINE,
  description:
    'Shown to the user only; 1–100 characters, at least one of them visible, no control or text direction characters.',
  error:
    'must be 1 to 100 characters, at least one of them visible, without control or text direction characters',
})

/** A code or a password that proves something. */
export const Code = t.String({
  minLength: 6,
  maxLength: 64,
  description:
    'The six digits received. Blanks, hyphens and digits of other scripts are understood.',
  error: 'must be six digits',
})

/** Any text: one that is no challenge's id is as wrong as a wrong code. */
export const ChallengeId = t.String({
  minLength: 1,
  maxLength: 100,
  description:
    'The `challengeId` of the answer that announced the code. Without it the code is compared with the last one that was asked for from the same network, and with the newest one of another network.',
  error: 'must be the challengeId received',
})

/** Any password: rules are for new ones. Twice 128, as a character may be two code units. */
export const Password = t.String({
  minLength: 1,
  maxLength: 256,
  description: 'The present password.',
  error: 'must be 1 to 128 characters',
})

export const CodeSent = t.Object(
  {
    message: t.String(),
    challengeId: t.String({
      format: 'uuid',
      description: 'Send it with the code. Keep it secret: it stands for a password sent here.',
    }),
    expiresAt: t.String({ format: 'date-time', description: 'When this code ends.' }),
    resendAt: t.String({ format: 'date-time', description: 'When another may be asked for.' }),
    otp: t.Optional(
      t.String({ description: 'The code itself, with OTP_DELIVERY=response: development only.' }),
    ),
  },
  {
    description: 'The same whether the number is known or not.',
    examples: [
      {
        message: 'If this number can receive a code, it is on its way.',
        challengeId: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13',
        expiresAt: '2026-11-22T16:08:00.000Z',
        resendAt: '2026-11-22T16:04:00.000Z',
      },
    ],
  },
)

export type CodeSent = Static<typeof CodeSent>
