import type { Attack } from './harness/attacker.ts'

const CYCLES = 6
const PROMPTS = 30

export const newAccounts: Attack = {
  name: 'new-account',
  about: 'uses the day up, deletes the account, signs up with the same number, and again',
  async run(attacker) {
    const { account } = attacker
    await attacker.repeat(1, CYCLES, async () => {
      await attacker.skipCooldowns()
      const { status } = await attacker.signIn()
      if (status !== 200) return attacker.count(`sign-in ${status}`)
      const room = await attacker.newRoom()
      for (let sent = 0; sent < PROMPTS; sent++) {
        if ((await attacker.prompt(room, 'Hello')) === '') break
      }
      await attacker.send('DELETE', '/v1/user/me', { body: { password: account.password } })
      return undefined
    })
  },
}
