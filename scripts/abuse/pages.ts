import type { Attack } from './harness/attacker.ts'

const READERS = 600
const PLANTED = 100

export const slowReaders: Attack = {
  name: 'slow-readers',
  about: `opens ${READERS} connections, asks each for a page of long messages, and reads none of them`,
  async plant(attacker) {
    const room = await attacker.newRoom({ title: 'slow readers' })
    await attacker.repeat(4, PLANTED, () => attacker.prompt(room, 'x'.repeat(31_900)))
    // A reply may be longer than any prompt.
    const long = await attacker.newRoom({ title: 'slow readers, long' })
    await attacker.repeat(4, 20, () => attacker.prompt(long, 'wish:long'))
  },
  async run(attacker) {
    const { text } = await attacker.send('GET', '/v1/chatroom?q=slow%20readers')
    const ids = [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id)
    const pathOf = (turn: number) => `/v1/chatroom/${ids[turn % ids.length]}/message/all?limit=100`
    await attacker.connect(READERS, 2, pathOf)
    await attacker.untilOver()
  },
}
