import { afterAll, describe, expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Exchange, Message } from '#src/modules/messages/model.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { testBilling } from './billing.ts'
import { testClients } from './clients.ts'
import { testMainJob } from './main-job.ts'
import { testModelAnswers } from './model-answers.ts'
import { testProxy } from './proxy.ts'
import { testSwaggerPage } from './swagger-page.ts'
import { createWorld, type Launch, type World, type WorldOptions } from './world.ts'

const TEST_MS = 40_000

/** What must hold of the running program, whichever way it was built. `launch` is asked once; `more` is what holds of this one only. */
export function describeProgram(
  name: string,
  launch: () => Promise<Launch>,
  more?: (once: () => Promise<Launch>) => void,
): void {
  let launched: Promise<Launch> | undefined
  const once = () => {
    launched ??= launch()
    return launched
  }
  const world = async (options?: WorldOptions) => createWorld(await once(), options)

  describe(name, () => {
    afterAll(async () => await (await launched)?.remove?.())
    testMainJob(world)
    testSwaggerPage(world)
    testClients(world)
    testBilling(world)
    testProxy(world)
    testModelAnswers(world)
    more?.(once)

    test(
      'a prompt sent before kill -9 in mid-reply is answered after the restart, once and whole',
      async () => {
        const stuck: Behaviour = { kind: 'hang', pieces: 2 }
        const whole: Behaviour = { kind: 'answer', pieces: ['All ', 'of it.'] }
        let calls = 0
        await using here = await world({ behave: () => (calls++ === 0 ? stuck : whole) })
        await here.start()
        const { token, room } = await openRoom(here)
        const { reply, path } = await ask(here, token, room, 'What is left?')
        await untilStreaming(here, token, path)
        await here.server.stop('SIGKILL')

        await here.start()
        const answered = await here.call<Message>('GET', `${path}?wait=25`, { token })
        expect(answered.body).toMatchObject({
          id: reply.id,
          status: 'complete',
          content: 'All of it.',
        })
        const all = await here.call<{ items: Message[] }>('GET', `${room}/message/all`, { token })
        expect(all.body.items.map(({ role, status }) => [role, status])).toEqual([
          ['user', 'complete'],
          ['assistant', 'complete'],
        ])
        expect(here.gemini.calls).toHaveLength(2)
      },
      TEST_MS,
    )

    test(
      'SIGTERM lets a running reply finish and refuses new prompts meanwhile',
      async () => {
        const release = Promise.withResolvers<void>()
        async function* pieces() {
          yield 'Half'
          await release.promise
          yield ' and half.'
        }
        await using here = await world({ behave: () => ({ kind: 'answer', pieces: pieces() }) })
        await here.start()
        const { token, room } = await openRoom(here)
        const { path } = await ask(here, token, room, 'Go on')
        await untilStreaming(here, token, path)

        here.server.signal('SIGTERM')
        await here.server.line((line) => line.includes('"draining"'))
        const refused = await here.call<{ type: string }>('POST', `${room}/message`, {
          token,
          body: { userPrompt: 'One more' },
        })
        expect(refused.status).toBe(503)
        expect(refused.headers.get('retry-after')).toBe('5')
        expect(refused.body.type).toBe('/problems/shutting-down')
        const stranger = { body: { userPrompt: 'Let me in' } }
        expect((await here.call('POST', `${room}/message`, stranger)).status).toBe(401)
        expect((await here.call('GET', '/readyz')).status).toBe(503)
        expect((await here.call('GET', '/livez')).status).toBe(200)
        expect((await here.call('GET', path, { token })).status).toBe(200)
        release.resolve()
        expect(await here.server.exited).toBe(0)

        await here.start()
        const kept = await here.call<Message>('GET', path, { token })
        expect(kept.body).toMatchObject({ status: 'complete', content: 'Half and half.' })
        expect(here.gemini.calls).toHaveLength(1)
      },
      TEST_MS,
    )

    test(
      'a reply that outlasts the drain is told as it stands, handed back and answered by the next server',
      async () => {
        let calls = 0
        const behave = (): Behaviour =>
          calls++ === 0 ? { kind: 'hang', pieces: 1 } : { kind: 'answer', pieces: ['Done.'] }
        await using here = await world({ behave, settings: { DRAIN_SECONDS: '0' } })
        await here.start()
        const { token, room } = await openRoom(here)
        const { path } = await ask(here, token, room, 'Take your time')
        await untilStreaming(here, token, path)
        const waiting = here.call<Message>('GET', `${path}?wait=25`, { token })
        // Sent after it, so that the server has it too.
        await here.call('GET', '/livez')
        expect(await here.server.stop('SIGTERM')).toBe(0)
        expect((await waiting).body).toMatchObject({ status: 'streaming', completedAt: null })
        await here.start()
        const answered = await here.call<Message>('GET', `${path}?wait=25`, { token })
        expect(answered.body).toMatchObject({ status: 'complete', content: 'Done.' })
      },
      TEST_MS,
    )

    test(
      'a second signal ends it at once, and nothing accepted is lost',
      async () => {
        const called = Promise.withResolvers<void>()
        let calls = 0
        const behave = (): Behaviour => {
          called.resolve()
          return calls++ === 0 ? { kind: 'hang' } : { kind: 'answer', pieces: ['Here.'] }
        }
        await using here = await world({ behave })
        await here.start()
        const { token, room } = await openRoom(here)
        const { path } = await ask(here, token, room, 'Are you there?')
        await called.promise
        here.server.signal('SIGTERM')
        await here.server.line((line) => line.includes('"draining"'))
        expect(await here.server.stop('SIGTERM')).toBe(143)
        await here.start()
        const answered = await here.call<Message>('GET', `${path}?wait=25`, { token })
        expect(answered.body).toMatchObject({ status: 'complete', content: 'Here.' })
      },
      TEST_MS,
    )

    test(
      'it is as strict as the application under test: unknown fields, odd bodies, slashes, size',
      async () => {
        await using here = await world()
        await here.start()
        const token = await here.signIn()
        const refusals: [path: string, body: unknown, status: number][] = [
          ['/v1/chatroom', { titel: 'Bergen' }, 422],
          ['/v1/chatroom', [], 422],
          ['/v1/chatroom/', {}, 404],
        ]
        for (const [path, odd, status] of refusals) {
          expect((await here.call('POST', path, { token, body: odd })).status).toBe(status)
        }
        const body = JSON.stringify({ title: 'x'.repeat(1_000_000) })
        async function* untold() {
          yield body
        }
        for (const sent of [body, untold()]) {
          const answer = await fetch(`${here.server.url}/v1/chatroom`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            // A generator is sent in chunks, which the types of fetch do not know.
            body: sent as string,
          })
          expect(answer.status).toBe(413)
          expect(answer.headers.get('content-type')).toBe('application/problem+json')
        }
      },
      TEST_MS,
    )

    test(
      'the sixth prompt of a day is refused with the time of the next, and history outlives a restart',
      async () => {
        await using here = await world()
        await here.start()
        const { token, room } = await openRoom(here)
        for (let n = 1; n <= 5; n++) {
          const { path } = await ask(here, token, room, `What is ${n} + ${n}?`)
          const { body } = await here.call<Message>('GET', `${path}?wait=25`, { token })
          expect(body.content).toContain(`= ${n + n}`)
        }
        const sixth = await here.call('POST', `${room}/message`, {
          token,
          body: { userPrompt: 'One too many' },
        })
        expect(sixth.status).toBe(429)
        expect(sixth.headers.get('ratelimit-policy')).toBe('"daily";q=5;w=86400')
        expect(Number(sixth.headers.get('retry-after'))).toBeGreaterThan(0)

        const before = await here.call('GET', `${room}/message/all`, { token })
        expect(await here.server.stop()).toBe(0)
        await here.start()
        const after = await here.call<{ items: Message[] }>('GET', `${room}/message/all`, { token })
        expect(after.body).toEqual(before.body as typeof after.body)
        expect(after.body.items).toHaveLength(10)
        const { body: latest } = await here.call<Exchange>('GET', `${room}/message`, { token })
        expect(latest.reply?.content).toContain('= 10')
        // What was there before the restart is still known to the model.
        expect(here.gemini.calls.at(-1)?.contents).toHaveLength(9)
      },
      TEST_MS,
    )
  })
}

async function openRoom(world: World): Promise<{ token: string; room: string }> {
  const token = await world.signIn()
  const { body } = await world.call<Room>('POST', '/v1/chatroom', { token, body: {} })
  return { token, room: `/v1/chatroom/${body.id}` }
}

async function ask(world: World, token: string, room: string, userPrompt: string) {
  const accepted = await world.call<Accepted>('POST', `${room}/message`, {
    token,
    body: { userPrompt },
  })
  expect(accepted.status).toBe(202)
  const { reply } = accepted.body
  return { reply, path: `${room}/message/${reply.id}` }
}

/** Asks until the first piece has been stored; each question is a round trip, so this does not spin. */
async function untilStreaming(world: World, token: string, path: string): Promise<void> {
  for (;;) {
    const { body } = await world.call<Message>('GET', path, { token })
    if (body.status === 'streaming' && body.content !== '') return
    if (body.status !== 'queued' && body.status !== 'streaming') {
      throw new Error(`The reply ended ${body.status} before it was seen streaming`)
    }
  }
}
