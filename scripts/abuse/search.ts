import type { Attack } from './harness/attacker.ts'

const PLANTED = 100
/** A prompt of one word thousands of times makes every phrase of that word expensive. */
const TEXTS = [
  'a '.repeat(16_000),
  'the rain in a '.repeat(2_200),
  '我想在周末去北京旅游'.repeat(3_200),
]
const QUERIES = [
  `${'a.'.repeat(249)}a`,
  Array.from({ length: 32 }, () => 'a.a.a.a').join(' '),
  'the',
  'a',
  `${'a-'.repeat(100)}zzz`,
  'zzz '.repeat(100),
  '我想在周末去北京旅游'.repeat(50),
  '北',
  'ﷺ'.repeat(400),
]

export const search: Attack = {
  name: 'search',
  about: 'searches for long phrases and frequent words over planted prompts of 32 000 characters',
  async plant(attacker) {
    const room = await attacker.newRoom()
    await attacker.repeat(4, PLANTED, (turn) => {
      const text = TEXTS[turn % 10 === 9 ? 2 : turn % 10 === 8 ? 1 : 0] ?? ''
      return attacker.prompt(room, text.slice(0, 31_900))
    })
  },
  run: (attacker) =>
    attacker.repeat(4, 20_000, (turn) => {
      const query = QUERIES[turn % QUERIES.length] ?? ''
      return attacker.send('GET', `/v1/search?limit=100&q=${encodeURIComponent(query)}`)
    }),
}
