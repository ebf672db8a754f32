import type { Config } from '#src/config/config.ts'
import type { Log } from '#src/lib/log.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import { createWorker } from '#src/queue/worker.ts'
import type { Behaviour, Call } from '#standins/gemini/behaviour.ts'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import type { FakeClock } from './fake-clock.ts'
import { createTestApp, json } from './test-app.ts'

/** The application with a running worker and the Gemini stand-in behind the real SDK. Stop it when done. */
export async function createTestChat(
  options: {
    settings?: Partial<Config>
    behave?: (call: Call) => Behaviour
    log?: Log
    clock?: FakeClock
  } = {},
) {
  let lastKind: Behaviour['kind'] | undefined
  const gemini = createGeminiStandIn({
    behave(call) {
      const behaviour: Behaviour = options.behave?.(call) ?? { kind: 'answer' }
      lastKind = behaviour.kind
      return behaviour
    },
  })
  const test = createTestApp(
    // Without a fallback a fault is met by the model that the test asked for.
    {
      geminiBaseUrl: gemini.url,
      geminiFallbackModels: [],
      autoTitle: false,
      ...options.settings,
    },
    { ...(options.log && { log: options.log }), ...(options.clock && { clock: options.clock }) },
  )
  const { services, database, clock, random, send } = test
  const worker = createWorker({ database, queue: services.queue, clock, random, log: test.log })
  await worker.start({ alone: true })

  async function openRoom(token: string, body: object = {}): Promise<string> {
    return (await json<Room>(send('POST', '/v1/chatroom', { token, body }))).id
  }

  /** Sends a prompt that must be accepted. */
  async function prompt(token: string, roomId: string, text: string): Promise<Accepted> {
    const answer = await send('POST', `/v1/chatroom/${roomId}/message`, {
      token,
      body: { userPrompt: text },
    })
    if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`)
    return json<Accepted>(answer)
  }

  function read(token: string, roomId: string, messageId: string): Promise<Message> {
    return json<Message>(send('GET', `/v1/chatroom/${roomId}/message/${messageId}`, { token }))
  }

  /** The reply once it is final. Moves no clock: what waits for a retry must be helped on by the test. */
  async function final(token: string, roomId: string, messageId: string): Promise<Message> {
    return json<Message>(
      send('GET', `/v1/chatroom/${roomId}/message/${messageId}?wait=25`, { token }),
    )
  }

  /**
   * Whether a reply waits for a real answer that is still to come over loopback. A test that moved the clock
   * now would have the provider's own time run out, the sooner the slower the machine is.
   */
  function isAsking(): boolean {
    // Prepared only here: the tests of plans look at whatever a chat prepares.
    const claimed = database.sqlite.query<{ running: number; claims: number }, []>(`
      SELECT count(*) FILTER (WHERE state = 'running') AS running, coalesce(sum(claims), 0) AS claims
      FROM jobs WHERE kind = 'message.reply'`)
    const { running, claims } = claimed.get() ?? { running: 0, claims: 0 }
    const hangs = lastKind === 'hang' && gemini.calls.length >= claims
    return running > 0 && !hangs
  }

  return {
    ...test,
    gemini,
    worker,
    isAsking,
    openRoom,
    prompt,
    read,
    final,
    async stop() {
      const stopped = worker.stop(0)
      await clock.advance(1)
      await stopped
      await gemini.stop()
      database.close()
    },
  }
}
