import type { Attack } from './harness/attacker.ts'

const STREAMS = 3_000
const PROMPTS = 10

export const streams: Attack = {
  name: 'streams',
  about: `opens ${STREAMS} event streams, reads half of them, and writes into the room they follow`,
  async run(attacker) {
    const room = await attacker.newRoom()
    await attacker.connect(STREAMS, 1, () => `/v1/chatroom/${room}/events`)
    await attacker.repeat(1, PROMPTS, () => attacker.prompt(room, 'wish:long'))
    await attacker.repeat(2, 2_000, (turn) =>
      attacker.send('PATCH', `/v1/chatroom/${room}`, { body: { title: `Title ${turn}` } }),
    )
    await attacker.untilOver()
  },
}
