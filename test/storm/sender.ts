import { call } from '#test/support/client.ts'
import type { PlannedPrompt } from './plan.ts'
import type { StormWorld } from './world.ts'

const ANSWER_WITHIN_MS = 4_000
const AGAIN_AFTER_MS = 150

export interface Accepted {
  promptId: string
  replyId: string
  replayed: boolean
}

/** What became of a prompt, as its client knows it: accepted, or refused for the day's quota. */
export interface Sent {
  number: number
  roomId: string
  /** One for each copy; undefined where it was refused. */
  copies: (Accepted | undefined)[]
  /** The second copy went out only when the first was answered. */
  isInTurn: boolean
}

interface Answer {
  prompt?: { id: string }
  reply?: { id: string }
  type?: string
}

/** Sends both copies of a prompt under one key, each until the server has answered it. */
export async function sendTwice(
  world: StormWorld,
  room: { id: string; token: string },
  prompt: PlannedPrompt,
): Promise<Sent> {
  const send = () => sendUntilAnswered(world, room, prompt)
  const { number, secondAfterMs } = prompt
  const sent = { number, roomId: room.id, isInTurn: secondAfterMs !== undefined }
  if (secondAfterMs === undefined) return { ...sent, copies: await Promise.all([send(), send()]) }
  const first = await send()
  if (first && prompt.cancelAfterMs !== undefined) {
    await Bun.sleep(prompt.cancelAfterMs)
    await cancel(world, room, first.replyId)
  }
  await Bun.sleep(secondAfterMs)
  return { ...sent, copies: [first, await send()] }
}

async function sendUntilAnswered(
  world: StormWorld,
  room: { id: string; token: string },
  { number, text }: PlannedPrompt,
): Promise<Accepted | undefined> {
  for (;;) {
    const answer = await attempt(world, room, `/v1/chatroom/${room.id}/message`, {
      body: { userPrompt: text },
      headers: { 'idempotency-key': `storm-${number}` },
    })
    if (answer?.status === 202) {
      const { prompt, reply } = answer.body
      const replayed = answer.headers.get('idempotent-replayed') === 'true'
      return { promptId: prompt?.id ?? '', replyId: reply?.id ?? '', replayed }
    }
    if (answer?.body.type === '/problems/quota-exhausted') return undefined
    if (answer && answer.status < 500 && answer.status !== 409 && answer.status !== 429) {
      throw new Error(`prompt ${number}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    await Bun.sleep(AGAIN_AFTER_MS)
  }
}

async function cancel(world: StormWorld, room: { id: string; token: string }, replyId: string) {
  const path = `/v1/chatroom/${room.id}/message/${replyId}/cancel`
  for (;;) {
    const answer = await attempt(world, room, path, {})
    if (answer && answer.status < 500) return
    await Bun.sleep(AGAIN_AFTER_MS)
  }
}

/** Undefined where no answer came: the server is down, stopped, or died on the way. */
async function attempt(
  world: StormWorld,
  room: { token: string },
  path: string,
  options: { body?: unknown; headers?: Record<string, string> },
) {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
  try {
    return await Promise.race([
      call<Answer>(world.url, 'POST', path, { ...options, token: room.token }),
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
    ])
  } catch {
    return undefined
  }
}
