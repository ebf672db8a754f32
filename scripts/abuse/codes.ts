import type { Attack } from './harness/attacker.ts'

const REQUESTS = 4_000

/** Without an account. */
export const unknownNumbers: Attack = {
  name: 'codes',
  about:
    'asks for codes for unknown and new numbers from all networks of one IPv6 /48 and one IPv4 /24',
  async run(attacker) {
    await attacker.repeat(16, REQUESTS, async (turn) => {
      const phone = `+1202556${String(turn % 10_000).padStart(4, '0')}`
      const headers = { 'x-forwarded-for': networkOf(turn) }
      const ask = (path: string, body: object) =>
        attacker.send('POST', `/v1/auth/${path}`, { body, headers, token: null })
      const path = turn % 3 === 0 ? 'forgot-password' : 'send-otp'
      // A number that somebody signs up for is known; a code for it is really sent.
      if (turn % 4 === 3) await ask('signup', { phone })
      await ask(path, { phone })
    })
  },
}

/** Hosts of one /56 first, then of the /48 around it; now and then an IPv4 address. */
export function networkOf(turn: number): string {
  if (turn % 10 === 9) return `203.0.113.${turn % 256}`
  const subnet = turn < 2_000 ? turn % 256 : turn % 65_536
  return `2001:db8:77:${subnet.toString(16)}::${(turn % 7) + 1}`
}
