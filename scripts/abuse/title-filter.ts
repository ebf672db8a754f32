import type { Attack } from './harness/attacker.ts'

const ROOMS = 3_000
const TITLES = ['a'.repeat(200), 'ab'.repeat(100), 'ﷺ'.repeat(200), '\u0345a'.repeat(100)]
const QUERIES = [`${'a'.repeat(199)}b`, 'ab'.repeat(99), 'ﷺ'.repeat(200), '%'.repeat(200), 'zz']

export const titleFilter: Attack = {
  name: 'title-filter',
  about: `lists ${ROOMS} rooms by parts of titles that nearly match`,
  async plant(attacker) {
    await attacker.repeat(16, ROOMS, (turn) =>
      attacker.newRoom({ title: TITLES[turn % TITLES.length] }),
    )
  },
  run: (attacker) =>
    attacker.repeat(8, 20_000, (turn) => {
      const query = QUERIES[turn % QUERIES.length] ?? ''
      return attacker.send('GET', `/v1/chatroom?limit=100&q=${encodeURIComponent(query)}`)
    }),
}
