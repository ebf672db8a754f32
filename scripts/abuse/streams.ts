import { readEvents } from '#test/support/sse.ts'
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

export const resumed: Attack = {
  name: 'resume',
  about: 'resumes a stream again and again from before a long conversation',
  async plant(attacker) {
    const room = await attacker.newRoom({ title: 'resumed' })
    const events = readEvents(await attacker.open('GET', `/v1/chatroom/${room}/events`))
    await attacker.prompt(room, 'the first')
    const [first] = await events.until(({ id }) => id !== '')
    await events.leave()
    // Where the resumption starts is kept in the title, for the other part of the attack.
    await attacker.send('PATCH', `/v1/chatroom/${room}`, {
      body: { title: `resumed ${first?.id}` },
    })
    await attacker.repeat(4, 60, () => attacker.prompt(room, 'y'.repeat(31_900)))
    await attacker.repeat(4, 20, () => attacker.prompt(room, 'wish:long'))
  },
  async run(attacker) {
    const { text } = await attacker.send('GET', '/v1/chatroom?q=resumed')
    const [, room, id = ''] = /"id":"([^"]+)","title":"resumed ([^"]+)"/.exec(text) ?? []
    const path = `/v1/chatroom/${room}/events`
    await attacker.repeat(8, 5_000, async () => {
      try {
        const response = await attacker.open('GET', path, { headers: { 'last-event-id': id } })
        attacker.count(response.status)
        if (response.status !== 200) return void (await response.arrayBuffer())
        const reader = response.body?.getReader()
        await reader?.read()
        await reader?.cancel()
      } catch {
        if (!attacker.isOver()) attacker.count('lost')
      }
      return undefined
    })
  },
}
