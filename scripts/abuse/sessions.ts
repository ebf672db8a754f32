import type { Attack } from './harness/attacker.ts'

export const sessions: Attack = {
  name: 'sessions',
  about:
    'logs in from many devices, refreshes each session without end, and reads and changes itself',
  async run(attacker) {
    const device = 'd'.repeat(8_000)
    const refreshTokens: string[] = []
    await attacker.repeat(1, 6, async () => {
      await attacker.skipCooldowns()
      refreshTokens.push((await attacker.signIn()).refreshToken)
    })
    await attacker.repeat(16, 40_000, async (turn) => {
      const headers = { 'user-agent': device }
      if (turn % 3 === 0) {
        const body = { name: `${turn} `.padEnd(100, 'n') }
        return await attacker.send('PATCH', '/v1/user/me', { body, headers })
      }
      if (turn % 3 === 1) return await attacker.send('GET', '/v1/auth/sessions', { headers })
      const at = turn % refreshTokens.length
      const body = { refreshToken: refreshTokens[at] }
      const { text } = await attacker.send('POST', '/v1/auth/refresh', { body, token: null })
      refreshTokens[at] = /"refreshToken":"([^"]+)"/.exec(text)?.[1] ?? refreshTokens[at] ?? ''
      return undefined
    })
  },
}
