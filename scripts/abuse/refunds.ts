import type { Attack, Attacker } from './harness/attacker.ts'

/** Prompts of this length cost the provider's time and the disk most. */
const FILLER = 'word '.repeat(6_000)
const SENT_AFTER_MS = 20
const MOST = 3_000
const TOGETHER = 8

/** Replies that a person is likely to get the quota back for. */
export const cancelled: Attack = {
  name: 'cancel',
  about: 'sends long prompts and cancels each once the model has been called',
  run: (attacker) =>
    inRooms(attacker, async (room) => {
      const reply = await attacker.prompt(room, `wish:slow ${FILLER}`)
      if (reply === '') return
      await Bun.sleep(SENT_AFTER_MS)
      await attacker.send('POST', `/v1/chatroom/${room}/message/${reply}/cancel`)
    }),
}

export const deletedRooms: Attack = {
  name: 'delete-room',
  about: 'sends a long prompt and deletes its room once the model has been called',
  run: (attacker) =>
    attacker.repeat(TOGETHER, MOST, async () => {
      const room = await attacker.newRoom()
      await attacker.prompt(room, `wish:slow ${FILLER}`)
      await Bun.sleep(SENT_AFTER_MS)
      await attacker.send('DELETE', `/v1/chatroom/${room}`)
    }),
}

export const refused: Attack = {
  name: 'refused',
  about: 'sends long prompts that the model refuses, before or during its reply, or cannot take',
  run(attacker) {
    const wishes = ['refused', 'refused-late', 'too-large', 'empty']
    return inRooms(attacker, (room, turn) =>
      untilFinal(attacker, room, `wish:${wishes[turn % wishes.length]} ${FILLER}`),
    )
  },
}

export const unfinished: Attack = {
  name: 'finish-other',
  about:
    'sends long prompts whose replies end with OTHER after their full text, and regenerates them',
  run: (attacker) =>
    inRooms(attacker, async (room) => {
      const reply = await untilFinal(attacker, room, `wish:other ${FILLER}`)
      if (reply === '') return
      await attacker.send('POST', `/v1/chatroom/${room}/message/${reply}/regenerate`)
    }),
}

/** A few rooms, because the replies of one room come one after another. */
async function inRooms(
  attacker: Attacker,
  once: (room: string, turn: number) => Promise<unknown>,
): Promise<void> {
  const rooms = await Promise.all(Array.from({ length: TOGETHER }, () => attacker.newRoom()))
  await attacker.repeat(TOGETHER, MOST, (turn) => once(rooms[turn % TOGETHER] ?? '', turn))
}

async function untilFinal(attacker: Attacker, room: string, text: string): Promise<string> {
  const reply = await attacker.prompt(room, text)
  if (reply !== '') await attacker.send('GET', `/v1/chatroom/${room}/message/${reply}?wait=5`)
  return reply
}
