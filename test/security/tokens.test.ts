import { describe, expect, test } from 'bun:test'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { copyTable } from '#test/support/test-accounts.ts'
import { createTestApp } from '#test/support/test-app.ts'

const SECRET = 'development-secret-development-secret'

type Claims = Record<string, unknown>

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token as an attacker would write one who knows everything, the secret included. */
function forge(
  header: Claims,
  claims: Claims,
  secret = SECRET,
  hash: 'sha256' | 'sha384' | 'sha512' = 'sha256',
) {
  const signed = `${encode(header)}.${encode(claims)}`
  const signature = new Bun.CryptoHasher(hash, secret).update(signed).digest()
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}

async function setUp() {
  const app = createTestApp()
  const user = await app.signIn()
  const [, payload = ''] = user.token.split('.')
  const claims: Claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const me = (authorization: string) =>
    app.send('GET', '/v1/user/me', { headers: { authorization } }).then(({ status }) => status)
  return { ...app, user, claims, me }
}

const header = { alg: 'HS256', typ: 'JWT' }

describe('an access token', () => {
  test('as we make it is good, and so is the same forged with the right secret', async () => {
    const { me, user, claims } = await setUp()
    expect(await me(`Bearer ${user.token}`)).toBe(200)
    expect(await me(`Bearer ${forge(header, claims)}`)).toBe(200)
  })

  test('alg none, in every spelling, is refused', async () => {
    const { me, claims } = await setUp()
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null]) {
      const unsigned = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`
      for (const signature of ['', '.', '.AA']) {
        expect(await me(`Bearer ${unsigned}${signature}`)).toBe(401)
      }
    }
  })

  test('HS384 and HS512 with the right secret are refused', async () => {
    const { me, claims } = await setUp()
    for (const [alg, hash] of [
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
    ] as const) {
      expect(await me(`Bearer ${forge({ alg, typ: 'JWT' }, claims, SECRET, hash)}`)).toBe(401)
    }
  })

  test('missing, past or odd claims are refused', async () => {
    const { me, claims } = await setUp()
    const without = (name: string) =>
      Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
    const odd: Claims[] = [
      ...['exp', 'iat', 'iss', 'aud', 'sub', 'sid', 'jti'].map(without),
      ...[1, 0, -1, '9999999999', null, []].map((exp) => ({ ...claims, exp })),
      ...['other', '', null, ['other']].map((iss) => ({ ...claims, iss })),
      ...['other', '', null, ['other']].map((aud) => ({ ...claims, aud })),
      ...[{}, { id: claims['sub'] }, [claims['sub']], 1, null, true, ''].map((sub) => ({
        ...claims,
        sub,
      })),
      ...[{}, [claims['sid']], 1, null, ''].map((sid) => ({ ...claims, sid })),
      { ...claims, nbf: 9_999_999_999 },
    ]
    for (const one of odd)
      expect([one, await me(`Bearer ${forge(header, one)}`)]).toEqual([one, 401])
  })

  test('another typ, or none, is refused', async () => {
    const { me, claims } = await setUp()
    for (const typ of ['at+jwt', 'JWE', 'refresh', 1, undefined]) {
      expect(await me(`Bearer ${forge({ alg: 'HS256', typ }, claims)}`)).toBe(401)
    }
  })

  test('kid, jku, jwk and x5u lead nowhere', async () => {
    const { me, claims } = await setUp()
    const jwk = { kty: 'oct', k: Buffer.from('').toString('base64url') }
    for (const trick of [
      { kid: '/dev/null' },
      { kid: "' UNION SELECT ''--" },
      { jku: 'http://127.0.0.1/keys' },
      { x5u: 'http://127.0.0.1/cert' },
      { jwk },
    ]) {
      for (const secret of ['', '\0', 'pollux', 'secret']) {
        expect(await me(`Bearer ${forge({ ...header, ...trick }, claims, secret || ' ')}`)).toBe(
          401,
        )
      }
    }
    expect(await me(`Bearer ${forge({ ...header, crit: ['exp2'], exp2: 1 }, claims)}`)).toBe(401)
  })

  test('with any one bit flipped is refused', async () => {
    const { services, user } = await setUp()
    const { token } = user
    for (let at = 0; at < token.length; at++) {
      for (let bit = 0; bit < 7; bit++) {
        const flipped = String.fromCharCode(token.charCodeAt(at) ^ (1 << bit))
        const changed = token.slice(0, at) + flipped + token.slice(at + 1)
        if (!/^[A-Za-z0-9._-]+$/.test(changed)) continue
        const claims = await services.tokens.verify(changed)
        // The last character of a base64url part holds bits that mean nothing.
        if (at === token.length - 1) continue
        expect([at, bit, claims]).toEqual([at, bit, undefined])
      }
    }
  })

  test('in an odd Authorization header is refused', async () => {
    const { me, user, send } = await setUp()
    const { token } = user
    const odd = [
      ...[
        '',
        ' ',
        'Bearer',
        'Bearer ',
        token,
        `Basic ${token}`,
        `Token ${token}`,
        `Bearer${token}`,
      ],
      ...[
        `Bearer ${token} x`,
        `Bearer ${token},Bearer ${token}`,
        `Bearer "${token}"`,
        `Bearer\t${token}`,
      ],
      ...[`Bearer ${token}=`, `Bearer ${token}.`, `Bearer .${token}`, 'Bearer ..', 'Bearer a.b.c'],
      ...[`Bearer ${'A'.repeat(7_000)}`, `Bearer ${token}%00`, 'Bearer null', 'Bearer undefined'],
    ]
    for (const header of odd) expect([header, await me(header)]).toEqual([header, 401])
    // RFC 9110, 11.4: a scheme in any case, and one blank or more behind it.
    for (const header of [`bearer ${token}`, `BEARER   ${token}`])
      expect(await me(header)).toBe(200)
    for (const path of [`/v1/user/me?access_token=${token}`, `/v1/user/me?token=${token}`]) {
      expect((await send('GET', path)).status).toBe(401)
    }
    const cookie = { cookie: `token=${token}; jwt=${token}` }
    expect((await send('GET', '/v1/user/me', { headers: cookie })).status).toBe(401)
  })

  test('is good until its last second, and dies with its session and its user', async () => {
    const { me, user, clock, database } = await setUp()
    clock.set(clock.now() + 20 * MINUTE - SECOND)
    expect(await me(`Bearer ${user.token}`)).toBe(200)
    clock.set(clock.now() + SECOND)
    expect(await me(`Bearer ${user.token}`)).toBe(401)
    clock.set(clock.now() - MINUTE)
    expect(await me(`Bearer ${user.token}`)).toBe(200)
    database.sqlite.run('UPDATE sessions SET ended_at = 1')
    expect(await me(`Bearer ${user.token}`)).toBe(401)
    database.sqlite.run('UPDATE sessions SET ended_at = NULL')
    expect(await me(`Bearer ${user.token}`)).toBe(200)
    database.sqlite.run('DELETE FROM users')
    expect(await me(`Bearer ${user.token}`)).toBe(401)
  })

  test('of one user with the session of another is refused', async () => {
    const { me, claims, signIn } = await setUp()
    const other = await signIn()
    expect(await me(`Bearer ${forge(header, { ...claims, sub: other.userId })}`)).toBe(401)
    expect(await me(`Bearer ${forge(header, { ...claims, sid: other.sessionId })}`)).toBe(401)
  })

  test('of the secret before still counts while JWT_SECRET_PREVIOUS names it, and no longer', async () => {
    const { claims, user, database } = await setUp()
    const old = forge(header, claims)
    for (const [jwtSecretPrevious, status] of [
      [SECRET, 200],
      [undefined, 401],
    ] as const) {
      const app = createTestApp({
        jwtSecret: 'another-secret-of-at-least-32-bytes',
        jwtSecretPrevious,
      })
      for (const table of ['users', 'sessions'] as const) copyTable(database, app.database, table)
      expect((await app.send('GET', '/v1/user/me', { token: old })).status).toBe(status)
      expect(user.token).not.toBe('')
    }
  })
})
