import type { Attack } from './harness/attacker.ts'

export const idempotencyKeys: Attack = {
  name: 'idempotency',
  about:
    'spends a new idempotency key of 255 characters on each request, and one key on many requests at once',
  async run(attacker) {
    const room = await attacker.newRoom()
    const same = crypto.randomUUID()
    await attacker.repeat(32, 40_000, async (turn) => {
      const headers = { 'idempotency-key': `${turn}-`.padEnd(255, 'k') }
      const body = { userPrompt: 'x'.repeat(30_000) }
      if (turn % 3 === 0) {
        return await attacker.send('POST', '/v1/chatroom', {
          headers,
          body: { systemPrompt: 's'.repeat(8_000) },
        })
      }
      if (turn % 3 === 1) {
        return await attacker.send('POST', `/v1/chatroom/${room}/message`, { headers, body })
      }
      return await attacker.send('POST', '/v1/chatroom', {
        headers: { 'idempotency-key': same },
        body: {},
      })
    })
  },
}
