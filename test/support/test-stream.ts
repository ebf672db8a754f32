import { turns } from './fake-clock.ts'
import { createGate } from './gate.ts'
import { readEvents, type SseEvent } from './sse.ts'
import { createTestChat } from './test-chat.ts'

export type Chat = Awaited<ReturnType<typeof createTestChat>>

export const isDone = ({ event }: SseEvent) => event === 'done'
export const isDelta = ({ event }: SseEvent) => event === 'delta'

export async function follow(
  chat: Pick<Chat, 'send'>,
  token: string,
  roomId: string,
  lastEventId?: string,
) {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const answer = await chat.send('GET', `/v1/chatroom/${roomId}/events`, { token, headers })
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
  return readEvents(answer)
}

/** A chat whose answers come piece by piece as the test sends them. */
export async function gatedChat() {
  const gate = createGate()
  const chat = await createTestChat({ behave: () => ({ kind: 'answer', pieces: gate.pieces() }) })
  const { token, userId } = await chat.signIn()
  const roomId = await chat.openRoom(token)
  return { gate, chat, token, userId, roomId }
}

/** Moves the clock on until the reply is final; it stands still while the provider is asked. */
export async function helpOn(chat: Chat, token: string, roomId: string, replyId: string) {
  for (let seconds = 0; seconds < 600; seconds++) {
    while (chat.isAsking()) await turns(1)
    if ((await chat.read(token, roomId, replyId)).completedAt !== null) return
    await chat.clock.advance(500)
    await turns(3)
  }
  throw new Error('The reply did not become final')
}
