/**
 * One request against the application in this process, for `bun run house` to measure by line coverage. HOUSE_REQUEST
 * names the request, and all run without it; with HOUSE_SETUP_ONLY everything happens but the request. It also runs in
 * older versions of the repository, so it uses little of test/support.
 */
import { expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { createTestApp } from '#test/support/test-app.ts'
import { createTestBilling, eventOf, WEBHOOK_SECRET } from '#test/support/test-billing.ts'
import { createTestChat } from '#test/support/test-chat.ts'

interface Scenario {
  request(): Promise<void>
  end(): Promise<void>
}

const scenarios: Record<string, () => Promise<Scenario>> = {
  me: async () => {
    const { app, database, signIn } = createTestApp()
    const { token } = await signIn()
    return {
      async request() {
        const answer = await app.handle(request('GET', '/v1/user/me', token))
        expect(answer.status).toBe(200)
        await answer.text()
      },
      end: async () => database.close(),
    }
  },

  // No worker runs.
  message: async () => {
    const { app, database, signIn } = createTestApp()
    const { token } = await signIn()
    const path = await openRoom(app, token)
    return {
      request: async () => void (await accepted(app, path, token)),
      end: async () => database.close(),
    }
  },

  // A signed event of a customer. No worker runs, so the sync of the customer is only enqueued.
  webhook: async () => {
    const billing = await createTestBilling({ work: false, deliver: false })
    const { app, clock } = billing
    const { userId, token } = await billing.signIn()
    await app.handle(request('POST', '/v1/subscribe/pro', token))
    const payload = eventOf({}, { object: 'subscription', customer: billing.customerOf(userId) })
    const at = Math.floor(clock.now() / 1_000)
    const seal = createHmac('sha256', WEBHOOK_SECRET).update(`${at}.${payload}`).digest('hex')
    const headers = { 'stripe-signature': `t=${at},v1=${seal}` }
    return {
      async request() {
        const delivery = request('POST', '/v1/webhook/stripe', undefined, payload, headers)
        const answer = await app.handle(delivery)
        expect(await answer.json()).toEqual({ received: true })
        expect(billing.events().map(({ state }) => state)).toEqual(['queued'])
      },
      end: () => billing[Symbol.asyncDispose](),
    }
  },

  // The prompt, its job in the worker, and the long poll of its reply.
  prompt: async () => {
    const { app, signIn, stop } = await createTestChat()
    const { token } = await signIn()
    const path = await openRoom(app, token)
    return {
      async request() {
        const { reply } = await accepted(app, path, token)
        const answer = await app.handle(request('GET', `${path}/${reply.id}?wait=25`, token))
        expect(await answer.json()).toMatchObject({ status: 'complete' })
      },
      end: stop,
    }
  },
}

const only = process.env['HOUSE_REQUEST']
const isSetupOnly = Boolean(process.env['HOUSE_SETUP_ONLY'])

test.each(Object.keys(scenarios).filter((name) => !only || name === only))('%s', async (name) => {
  const scenario = await scenarios[name]?.()
  if (!isSetupOnly) await scenario?.request()
  await scenario?.end()
})

type App = ReturnType<typeof createTestApp>['app']

async function openRoom(app: App, token: string): Promise<string> {
  const answer = await app.handle(request('POST', '/v1/chatroom', token, '{}'))
  const { id } = (await answer.json()) as { id: string }
  return `/v1/chatroom/${id}/message`
}

async function accepted(app: App, path: string, token: string): Promise<{ reply: { id: string } }> {
  const answer = await app.handle(request('POST', path, token, '{"userPrompt":"Hello"}'))
  expect(answer.status).toBe(202)
  return (await answer.json()) as { reply: { id: string } }
}

function request(
  method: string,
  path: string,
  token: string | undefined,
  body?: string,
  headers: Record<string, string> = {},
): Request {
  return new Request(`http://localhost${path}`, {
    method,
    ...(body !== undefined && { body }),
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  })
}
