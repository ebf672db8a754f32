import type { Config } from '#src/config/config.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { turns } from './fake-clock.ts'
import { createTestChat } from './test-chat.ts'

export type Attack = Awaited<ReturnType<typeof attack>>

/** A Basic user, and a provider that does what the test says. */
export async function attack(behave: () => Behaviour, settings: Partial<Config> = {}) {
  const chat = await createTestChat({ behave, settings })
  const user = await chat.signIn()
  const { token } = user
  const roomId = await chat.openRoom(token)
  const path = (room: string, rest = '') => `/v1/chatroom/${room}/message${rest}`
  const send = (room = roomId) =>
    chat.send('POST', path(room), { token, body: { userPrompt: 'x'.repeat(1_000) } })
  const cancel = (id: string, room = roomId) =>
    chat.send('POST', path(room, `/${id}/cancel`), { token })
  const used = async () => (await chat.services.quotas.read(user)).used
  const counts = () =>
    chat.database.sqlite
      .query<{ used: number; starts: number; pending: number }, []>(
        'SELECT used, starts, pending FROM number_usage',
      )
      .get()
  const called = async (count: number) => {
    while (chat.gemini.calls.length < count) await turns(1)
  }
  return { chat, token, roomId, path, send, cancel, used, counts, called }
}
