import { Elysia } from 'elysia'
import { Problem } from '#src/lib/problem.ts'

/** Who is asking: decided anew at each request, so that a logout counts at once. */
export interface Principal {
  userId: string
  sessionId: string
}

/** Reads an `Authorization` header; undefined unless it names a living session of an existing user. */
export type Authenticate = (authorization: string | null) => Promise<Principal | undefined>

const principals = new WeakMap<Request, Principal>()

/** Who sent the request, once that was decided; for the log. */
export function principalOf(request: Request): Principal | undefined {
  return principals.get(request)
}

/** Header fields that tell a user's quota; see the quota module. */
export type QuotaHeaders = (userId: string) => Record<string, string>

/**
 * The `authenticated` macro: `true`, or `'with-quota'` for routes whose every answer, refusals included,
 * shows the quota. It hangs on `transform`, the one hook of a macro that runs before validation, so that a
 * stranger learns nothing of the schema; `resolve` then hands out the principal.
 */
export function createAuth(authenticate: Authenticate, quotaHeaders: QuotaHeaders = () => ({})) {
  return new Elysia({ name: 'auth' }).macro({
    authenticated: (mode: true | 'with-quota') => ({
      detail: { security: [{ bearerAuth: [] }] },
      async transform({ request, set }) {
        const principal = await authenticate(request.headers.get('authorization'))
        if (!principal) throw unauthenticated()
        principals.set(request, principal)
        if (mode === 'with-quota') Object.assign(set.headers, quotaHeaders(principal.userId))
      },
      resolve({ request }) {
        const principal = principals.get(request)
        if (!principal) throw unauthenticated()
        return { principal }
      },
    }),
  })
}

export type Auth = ReturnType<typeof createAuth>

/** RFC 6750 section 3. */
export function unauthenticated(): Problem {
  return new Problem(401, 'unauthenticated', 'Give a valid access token as a bearer token.', {
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })
}
