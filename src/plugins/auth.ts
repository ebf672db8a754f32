import { type Context, Elysia } from 'elysia'
import type { FairTicks } from '#src/lib/fair-ticks.ts'
import type { InFlight, Slot } from '#src/lib/in-flight.ts'
import { type Problem, problem } from '#src/lib/problem.ts'

/** Who is asking: decided anew at each request, so that a logout counts at once. */
export interface Principal {
  userId: string
  sessionId: string
  /** What limits of a user are counted by, see `userLimit`: deleting the account and signing up again keeps it. */
  numberDigest: string
}

/** Reads an `Authorization` header; undefined unless it names a living session of an existing user. */
export type Authenticate = (authorization: string | null) => Promise<Principal | undefined>

const principals = new WeakMap<Request, Principal>()

/** Who sent the request, once that was decided; for the log. */
export function principalOf(request: Request): Principal | undefined {
  return principals.get(request)
}

/** Header fields that show a user's quota; see the quota module. */
export type QuotaHeaders = (principal: Principal) => Promise<Record<string, string>>

const quotas = new WeakMap<Request, () => Promise<Record<string, string>>>()

/** Header fields of the quota for the answer to a request, read now; none on other routes and for strangers. */
export async function quotaOf(request: Request): Promise<Record<string, string>> {
  return (await quotas.get(request)?.()) ?? {}
}

const slots = new WeakMap<Request, Slot>()

/**
 * The request was refused: it is in flight no longer. Not a hook after the response, as Elysia calls those in the next
 * tick, and many requests arrive in one.
 */
export function leaveInFlight(request: Request): void {
  slots.get(request)?.leave()
}

/**
 * UTF-16 code units of text. The JSON of a shorter answer stays below the 16 KB that Bun sends in one system call
 * (docs/traps.md), as a rule: names of fields and escapes come on top.
 */
const SHORT_ANSWER = 4 * 1024

/**
 * The `authenticated` macro: `true`, or `'with-quota'` for routes whose every answer, refusals included,
 * shows the quota. It hangs on `transform`, the one hook of a macro that runs before validation, so that a
 * stranger learns nothing of the schema; `resolve` then hands out the principal. The quota is read last, and
 * not where the handler has set its headers, as the one that takes a prompt does; a refusal reads it itself. Each request holds a
 * place of its user's until its answer is read ({@link InFlight}).
 */
export function createAuth(
  authenticate: Authenticate,
  quotaHeaders: QuotaHeaders,
  inFlight: InFlight,
  fairTicks: FairTicks,
) {
  async function showQuota({ request, set }: { request: Request; set: Context['set'] }) {
    if (set.headers['ratelimit'] === undefined) Object.assign(set.headers, await quotaOf(request))
  }
  return new Elysia({ name: 'auth' }).macro({
    authenticated: (mode: true | 'with-quota') => ({
      detail: { security: [{ bearerAuth: [] }] },
      async transform({ request }) {
        const principal = await authenticate(request.headers.get('authorization'))
        if (!principal) throw unauthenticated()
        principals.set(request, principal)
        slots.set(request, inFlight.enter(principal.userId))
        await fairTicks.begin(principal.userId)
        if (mode === 'with-quota') quotas.set(request, () => quotaHeaders(principal))
      },
      ...(mode === 'with-quota' && { afterHandle: showQuota }),
      mapResponse: ({ request, responseValue }) => send(request, responseValue),
      resolve({ request }) {
        const principal = principals.get(request)
        if (!principal) throw unauthenticated()
        return { principal }
      },
    }),
  })
}

/** Sends a long answer at the speed of its reader; a short one is left to Elysia. @throws Problem 429 */
function send(request: Request, value: unknown): Response | undefined {
  const slot = slots.get(request)
  // Of a HEAD nobody reads the body.
  const isLong = request.method !== 'HEAD' && !(value instanceof Response) && isLongText(value)
  if (!slot || !isLong) {
    slot?.leave()
    return undefined
  }
  return new Response(slot.send(Buffer.from(JSON.stringify(value))), {
    headers: { 'content-type': 'application/json;charset=utf-8' },
  })
}

function isLongText(value: unknown): boolean {
  return textLength(value) >= SHORT_ANSWER
}

/** Of all texts in an answer, in UTF-16 code units: cheaper than to write its JSON twice. */
function textLength(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  let length = 0
  // Not Object.values(): a page has hundreds of fields, and a list of them for each message costs twice the sum.
  for (const part in value) length += textLength(value[part as keyof typeof value])
  return length
}

export type Auth = ReturnType<typeof createAuth>

/** RFC 6750 section 3. */
export function unauthenticated(): Problem {
  return problem('unauthenticated', {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })
}
