import type { Attack } from './harness/attacker.ts'

const ROUTES = ['portal', 'portal', 'portal', 'sync', 'cancel', 'resume']

export const portal: Attack = {
  name: 'portal',
  about: 'asks for the customer portal, checkout, cancel, resume and sync thousands of times',
  async run(attacker) {
    await attacker.send('POST', '/v1/subscribe/pro')
    await attacker.repeat(32, 6_000, (turn) => {
      const route = ROUTES[turn % ROUTES.length]
      const path = turn % 7 === 0 ? '/v1/subscribe/pro' : `/v1/subscription/${route}`
      const headers: Record<string, string> =
        turn % 2 === 0 ? { 'idempotency-key': crypto.randomUUID() } : {}
      return attacker.send('POST', path, { headers })
    })
  },
}
