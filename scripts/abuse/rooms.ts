import type { Attack } from './harness/attacker.ts'

export const rooms: Attack = {
  name: 'rooms',
  about: 'makes rooms with long instructions and titles, and rewrites them',
  async run(attacker) {
    const systemPrompt = 'Keep in mind: '.repeat(570)
    const first = await attacker.newRoom()
    await attacker.repeat(32, 60_000, (turn) =>
      turn % 4 === 3
        ? attacker.send('PATCH', `/v1/chatroom/${first}`, {
            body: { systemPrompt: `${turn} ${systemPrompt}`, title: `${turn}`.padEnd(200, 't') },
          })
        : attacker.newRoom({ systemPrompt, title: `${turn}`.padEnd(200, 't') }),
    )
  },
}
