import { networkOf } from './codes.ts'
import type { Attack } from './harness/attacker.ts'

export const hashes: Attack = {
  name: 'hashes',
  about: 'makes the server compute password hashes, as a stranger and as a user, 64 at a time',
  async run(attacker) {
    const { account } = attacker
    await attacker.repeat(64, 20_000, async (turn) => {
      const headers = { 'x-forwarded-for': networkOf(turn) }
      const phone = `+1202557${String(turn % 10_000).padStart(4, '0')}`
      const password = `a password of turn ${turn}`
      const ask = (path: string, body: object, token: string | null = null) =>
        attacker.send('POST', `/v1/auth/${path}`, { body, headers, token })
      if (turn % 4 === 0) return await ask('send-otp', { phone, password })
      if (turn % 4 === 1) return await ask('signup', { phone, password })
      if (turn % 4 === 2) return await ask('verify-otp', { phone, otp: '123456', password })
      const change = { oldPassword: password, newPassword: `${account.password} ${turn}` }
      return await ask('change-password', change, attacker.token)
    })
  },
}
