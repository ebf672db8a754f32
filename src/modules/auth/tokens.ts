import { jwt } from '@elysiajs/jwt'
import { Elysia } from 'elysia'
import type { Clock } from '#src/lib/clock.ts'
import type { Random } from '#src/lib/random.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { createVerifiedTokens, type Verified } from './verified-tokens.ts'

const ISSUER = 'pollux'
const AUDIENCE = 'pollux-api'

export interface AccessClaims {
  userId: string
  sessionId: string
}

export interface AccessTokens {
  sign(claims: AccessClaims): Promise<string>
  /** Undefined for whatever is not one of ours and alive. */
  verify(token: string): Promise<AccessClaims | undefined>
  ttlMs: number
}

export interface TokenDeps {
  secret: string
  /** Still verifies while keys rotate. */
  previousSecret: string | undefined
  ttlMinutes: number
  clock: Clock
  random: Random
}

/**
 * Access tokens: JWT, HS256 (RFC 7519, RFC 8725). The plugin's `verify` takes other HMAC algorithms, a
 * missing `exp` and any issuer by default, so every check is requested here.
 */
export function createTokens({
  secret,
  previousSecret,
  ttlMinutes,
  clock,
  random,
}: TokenDeps): AccessTokens {
  const current = codec(secret)
  const codecs = previousSecret === undefined ? [current] : [current, codec(previousSecret)]

  async function check(token: string): Promise<Verified<AccessClaims> | undefined> {
    for (const { verify } of codecs) {
      const claims = await verify(token, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        audience: AUDIENCE,
        typ: 'JWT',
        requiredClaims: ['exp', 'iat', 'sub', 'sid', 'jti'],
        currentDate: new Date(clock.now()),
      })
      if (!claims) continue
      const { sub, sid, exp } = claims
      if (typeof sub === 'string' && typeof sid === 'string' && typeof exp === 'number')
        return { claims: { userId: sub, sessionId: sid }, expiresAt: exp }
    }
    return undefined
  }

  return {
    ttlMs: ttlMinutes * MINUTE,
    sign({ userId, sessionId }) {
      const now = clock.now()
      return current.sign({
        iss: ISSUER,
        aud: AUDIENCE,
        sub: userId,
        sid: sessionId,
        jti: random.id(now),
        // The plugin stamps `iat` from the system's clock and takes no other; only `exp` decides anything.
        iat: true,
        exp: Math.floor(now / SECOND) + ttlMinutes * 60,
      })
    },
    verify: createVerifiedTokens(check, clock),
  }
}

/** The plugin's sign and verify, taken out of the request context so that plain functions can use them. */
function codec(secret: string) {
  return new Elysia().use(jwt({ name: 'jwt', secret })).decorator.jwt
}
