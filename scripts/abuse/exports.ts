import type { Attack } from './harness/attacker.ts'

const UNREAD = 50

export const exports: Attack = {
  name: 'export',
  about: 'exports a large account again and again, also without reading the answer',
  async plant(attacker) {
    const room = await attacker.newRoom({ title: 'export' })
    await attacker.repeat(4, 300, () => attacker.prompt(room, 'x '.repeat(15_900)))
  },
  async run(attacker) {
    await Promise.all([
      attacker.connect(UNREAD, 2, () => '/v1/user/me/export'),
      attacker.repeat(4, 200, () => attacker.send('GET', '/v1/user/me/export')),
    ])
    await attacker.untilOver()
  },
}
