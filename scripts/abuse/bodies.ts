import type { Attack } from './harness/attacker.ts'

const SIZE = 64_000
const fill = (piece: string) => piece.repeat(Math.floor(SIZE / piece.length))

/** Bodies of 64 KB that are dear to read, to check or to refuse. */
const BODIES: [type: string, body: string][] = [
  ['application/json', `{"phone":${'['.repeat(SIZE / 2)}${']'.repeat(SIZE / 2)}}`],
  ['application/json', `${fill('{"a":')}1`],
  ['application/json', `{${Array.from({ length: 5_000 }, (_, at) => `"field${at}":1`).join(',')}}`],
  ['application/json', `{"phone":[${fill('{"a":1},')}1]}`],
  ['application/json', JSON.stringify({ phone: '1 ('.repeat(20_000) })],
  ['application/json', JSON.stringify({ phone: '+'.repeat(60_000) })],
  ['application/json', JSON.stringify({ phone: `+1202${'-'.repeat(60_000)}5550100` })],
  ['application/json', JSON.stringify({ phone: '+12025550100', name: 'ﷺ'.repeat(20_000) })],
  [
    'application/json',
    JSON.stringify({ phone: '+12025550100', password: 'a\u0345'.repeat(20_000) }),
  ],
  ['application/json', JSON.stringify({ phone: '+12025550100', otp: '１'.repeat(20_000) })],
  ['application/json', `{"phone":${'9'.repeat(60_000)}}`],
  [
    'application/x-www-form-urlencoded',
    Array.from({ length: 8_000 }, (_, at) => `f${at}=1`).join('&'),
  ],
  ['application/x-www-form-urlencoded', `phone=${'%'.repeat(60_000)}`],
  ['application/x-www-form-urlencoded', fill('&')],
]
const PATHS = ['/v1/auth/signup', '/v1/auth/send-otp', '/v1/auth/verify-otp', '/v1/auth/refresh']
const PRIVATE = ['/v1/chatroom', '/v1/auth/change-password', '/v1/subscription/portal']

export const largeBodies: Attack = {
  name: 'bodies',
  about:
    'posts bodies of 64 KB that are deep, wide or hard to refuse, and long queries, as a stranger and as a user',
  run: (attacker) =>
    attacker.repeat(8, 20_000, async (turn) => {
      const [type, raw] = BODIES[turn % BODIES.length] ?? ['', '']
      const headers = { 'content-type': type }
      const at = Math.floor(turn / BODIES.length)
      if (at % 3 === 0) {
        return await attacker.send('POST', PRIVATE[at % PRIVATE.length] ?? '', { raw, headers })
      }
      if (at % 3 === 1) {
        const path = PATHS[at % PATHS.length] ?? ''
        return await attacker.send('POST', path, { raw, headers, token: null })
      }
      const query = `${'&'.repeat(2_000)}q=${'a%'.repeat(2_000)}&cursor=${'A'.repeat(6_000)}`
      return await attacker.send('GET', `/v1/chatroom?${query}`)
    }),
}
