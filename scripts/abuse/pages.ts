import type { Attack, Attacker } from './harness/attacker.ts'

const READERS = 600
const PLANTED = 100
const ROOMS = 150

/** Everything whose answer grows with what the account holds, and the largest file that strangers may read. */
async function largeAnswers(attacker: Attacker): Promise<string[]> {
  const { text } = await attacker.send('GET', '/v1/chatroom?q=slow%20readers')
  const ids = [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id)
  return [
    ...ids.map((id) => `/v1/chatroom/${id}/message/all?limit=100`),
    ...ids.map((id) => `/v1/chatroom/${id}/message/all?limit=100&order=desc`),
    ...ids.map((id) => `/v1/chatroom/${id}/message`),
    '/v1/chatroom?limit=100',
    '/v1/search?limit=100&q=x',
    '/swagger/json',
    '/swagger/swagger-ui.js',
  ]
}

async function plant(attacker: Attacker): Promise<void> {
  const room = await attacker.newRoom({ title: 'slow readers' })
  await attacker.repeat(4, PLANTED, () => attacker.prompt(room, 'x'.repeat(31_900)))
  // A reply may be longer than any prompt.
  const long = await attacker.newRoom({ title: 'slow readers, long' })
  await attacker.repeat(4, 20, () => attacker.prompt(long, 'wish:long'))
  // 24 KB each.
  const body = { systemPrompt: '界'.repeat(8_000), title: 'ﷺ'.repeat(200) }
  await attacker.repeat(8, ROOMS, () => attacker.newRoom(body))
}

export const slowReaders: Attack = {
  name: 'slow-readers',
  about: `opens ${READERS} connections, asks each for a large answer, and reads none of them`,
  plant,
  async run(attacker) {
    const paths = await largeAnswers(attacker)
    await attacker.connect(READERS, 2, (turn) => paths[turn % paths.length] ?? '')
    await attacker.untilOver()
  },
}

export const fastReaders: Attack = {
  name: 'large-answers',
  about: 'asks for large answers without a pause, and reads them',
  plant,
  async run(attacker) {
    const paths = await largeAnswers(attacker)
    await attacker.repeat(8, 50_000, (turn) =>
      attacker.send('GET', paths[turn % paths.length] ?? ''),
    )
  },
}
