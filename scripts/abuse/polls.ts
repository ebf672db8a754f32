import type { Attack } from './harness/attacker.ts'

const POLLS = 3_000

export const longPolls: Attack = {
  name: 'long-polls',
  about: `waits ${POLLS} times for one slow reply, and gives most of the waits up`,
  async run(attacker) {
    const room = await attacker.newRoom()
    const reply = await attacker.prompt(room, 'wish:slow')
    const path = `/v1/chatroom/${room}/message/${reply}?wait=25`
    await attacker.repeat(1_000, POLLS, async (turn) => {
      if (turn % 3 === 0) return await attacker.send('GET', path)
      const response = attacker.open('GET', path, {}).catch(() => undefined)
      await Promise.race([response, Bun.sleep(200)])
      return undefined
    })
  },
}
