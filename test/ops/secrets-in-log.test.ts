import { expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import { createWorld } from '#test/e2e/world.ts'
import { fromSource } from '#test/support/server.ts'
import { until } from './faults/chat.ts'

const PHONE = '+12025550177'
const PASSWORD = 'correct-horse-battery-Staple-9'
const PROMPT = 'the-prompt-nobody-may-read'
const REPLY = 'the-reply-nobody-may-read'
const STRAY = 'stray-secret'

interface Session {
  token: string
  refreshToken: string
}

interface Document {
  paths: Record<string, Record<string, unknown>>
}

test('no route writes a body, a phone number, a code or a token into the log, whatever it answers', async () => {
  await using world = await createWorld(
    { command: fromSource },
    {
      settings: {
        LOG_LEVEL: 'debug',
        METRICS_TOKEN: 'metrics-token-secret',
        OTP_DELIVERY: 'response',
      },
      behave: ({ prompt }) =>
        prompt.includes('fail')
          ? { kind: 'status', status: 400, message: `cannot take ${PROMPT}` }
          : { kind: 'answer', pieces: [REPLY] },
    },
  )
  const server = await world.start()
  const post = <T>(path: string, body: unknown, token?: string) =>
    world.call<T>('POST', path, { body, ...(token !== undefined && { token }) })

  await post('/v1/auth/signup', { phone: PHONE, name: 'Name-of-a-person', password: PASSWORD })
  const { otp } = (
    await post<{ otp: string }>('/v1/auth/send-otp', { phone: PHONE, password: PASSWORD })
  ).body
  await post('/v1/auth/verify-otp', { phone: PHONE, otp: otp === '000000' ? '000001' : '000000' })
  const session = (
    await post<Session>('/v1/auth/verify-otp', { phone: PHONE, otp, password: PASSWORD })
  ).body
  const { token } = session
  expect(token).toBeString()
  const room = (await post<Room>('/v1/chatroom', { title: 'Title-of-a-room' }, token)).body.id
  for (const text of [PROMPT, `${PROMPT} fail`]) {
    const path = `/v1/chatroom/${room}/message`
    const { body } = await post<Accepted>(path, { userPrompt: text }, token)
    await until(
      () => world.call<Message>('GET', `${path}/${body.reply.id}`, { token }),
      (answer) => ['complete', 'failed'].includes(answer.body.status),
    )
  }

  // Every route there is, with a secret wherever one could stand.
  const document = (await world.call<Document>('GET', '/swagger/json')).body
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  )
  expect(routes.length).toBeGreaterThan(25)
  for (const { method, path } of routes) {
    if (path.endsWith('/events')) continue
    const at = `${path.replaceAll(/\{\w+\}/g, `${STRAY}-id`)}?q=${STRAY}-query&token=${STRAY}`
    const headers = { 'idempotency-key': `${STRAY}-key`, 'stripe-signature': `t=1,v1=${STRAY}` }
    const body =
      method === 'GET' ? undefined : { phone: PHONE, password: `${STRAY}-password`, otp: STRAY }
    for (const who of [token, `${STRAY}-token`]) {
      await world.call(method, at, { token: who, headers, body }).catch(() => undefined)
    }
  }
  await server.stop('SIGTERM')

  const log = server.lines.join('\n')
  expect(log.split('\n').length).toBeGreaterThan(routes.length)
  const digits = PHONE.slice(1)
  const secrets = [PASSWORD, PROMPT, REPLY, STRAY, token, session.refreshToken, digits]
  secrets.push('metrics-token-secret', 'Title-of-a-room', 'Name-of-a-person', 'key-of-the-test')
  for (const secret of secrets) expect(log).not.toContain(secret)
  // Six digits may be part of an id by chance; as a value of their own they may not.
  expect(log).not.toMatch(new RegExp(`[":\\s]${otp}[",\\s]`))
}, 60_000)
