import { expect, test } from 'bun:test'
import type { CheckoutPage, SubscriptionStatus } from '#src/modules/billing/model.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Exchange, Message } from '#src/modules/messages/model.ts'
import type { User } from '#src/plugins/schemas.ts'
import { createSmsStandIn } from '#standins/sms/server.ts'
import { createStripeStandIn, STAND_IN_PRICE } from '#standins/stripe/server.ts'
import type { World, WorldOptions } from './world.ts'

const SMS_SECRET = Buffer.from('secret-of-the-sms-gateway').toString('base64')
const STRIPE_SECRET = 'whsec_of_the_end_to_end_test'
const phone = '+12025550142'

/** The product's main job in production's own settings: only the three providers are stand-ins. */
export function testMainJob(world: (options: WorldOptions) => Promise<World>): void {
  test('sign up, log in, chat, meet the daily limit, subscribe, chat on, restart', async () => {
    const arrived = Promise.withResolvers<void>()
    const sms = createSmsStandIn({
      secret: SMS_SECRET,
      behave() {
        // After the message was taken.
        setImmediate(arrived.resolve)
        return { kind: 'accept' }
      },
    })
    const stripe = createStripeStandIn({ webhookSecret: STRIPE_SECRET })
    await using here = await world({
      settings: {
        NODE_ENV: 'production',
        OTP_DELIVERY: 'webhook',
        OTP_WEBHOOK_URL: sms.webhookUrl,
        OTP_WEBHOOK_SECRET: SMS_SECRET,
        STRIPE_SECRET_KEY: 'sk_test_1',
        STRIPE_WEBHOOK_SECRETS: STRIPE_SECRET,
        STRIPE_PRO_PRICES: STAND_IN_PRICE.id,
        STRIPE_API_BASE: stripe.url,
      },
    })
    try {
      stripe.deliverTo(`${(await here.start()).url}/v1/webhook/stripe`)
      const token = await logIn(here, async () => {
        await arrived.promise
        return /\d{6}/.exec(sms.messages.at(-1)?.text ?? '')?.[0] ?? ''
      })
      const room = await here.call<Room>('POST', '/v1/chatroom', { token, body: { title: 'Sums' } })
      expect(room.status).toBe(201)
      const path = `/v1/chatroom/${room.body.id}/message`
      for (let n = 1; n <= 5; n++) {
        expect((await ask(here, token, path, `What is ${n} * ${n}?`)).content).toContain(`${n * n}`)
      }
      const sixth = { token, body: { userPrompt: 'What is 6 * 6?' } }
      const refused = await here.call<{ type: string }>('POST', path, sixth)
      expect([refused.status, refused.body.type]).toEqual([429, '/problems/quota-exhausted'])

      expect(await status(here, token)).toMatchObject({ phone, tier: 'basic', status: 'none' })
      await subscribe(here, token)
      while ((await status(here, token)).tier !== 'pro');
      expect((await ask(here, token, path, 'What is 6 * 6?')).content).toContain('36')

      await here.server.stop()
      await here.start()
      const { body: latest } = await here.call<Exchange>('GET', path, { token })
      expect(latest.prompt?.content).toBe('What is 6 * 6?')
      const all = await here.call<{ items: Message[] }>('GET', `${path}/all`, { token })
      expect(all.body.items).toHaveLength(12)
      const { body: me } = await here.call<User>('GET', '/v1/user/me', { token })
      expect(me).toMatchObject({ phone, name: 'Ada', tier: 'pro', quota: { limit: null } })
      // Nobody's number or words are in the log.
      expect(here.server.lines.join('\n')).not.toMatch(/2025550142|What is/)
    } finally {
      await sms.stop()
      await stripe.stop()
    }
  }, 40_000)
}

async function logIn(here: World, code: () => Promise<string>): Promise<string> {
  const signedUp = await here.call('POST', '/v1/auth/signup', { body: { phone, name: 'Ada' } })
  expect(signedUp.status).toBe(202)
  const sent = await here.call<object>('POST', '/v1/auth/send-otp', { body: { phone } })
  expect(sent.status).toBe(202)
  expect(sent.body).not.toHaveProperty('otp')
  const body = { phone, otp: await code() }
  const verified = await here.call<{ token: string }>('POST', '/v1/auth/verify-otp', { body })
  expect(verified.status).toBe(200)
  return verified.body.token
}

async function ask(here: World, token: string, path: string, userPrompt: string): Promise<Message> {
  const accepted = await here.call<Accepted>('POST', path, { token, body: { userPrompt } })
  expect(accepted.status).toBe(202)
  const location = accepted.headers.get('location') ?? ''
  const { body } = await here.call<Message>('GET', `${location}?wait=25`, { token })
  expect(body.status).toBe('complete')
  return body
}

async function status(here: World, token: string): Promise<SubscriptionStatus> {
  return (await here.call<SubscriptionStatus>('GET', '/v1/subscription/status', { token })).body
}

/** Goes to Stripe's page and pays, as a person would. */
async function subscribe(here: World, token: string): Promise<void> {
  const page = await here.call<CheckoutPage>('POST', '/v1/subscribe/pro', { token })
  expect(page.status).toBe(200)
  const form = new URLSearchParams({ outcome: 'pay' })
  const paid = await fetch(page.body.url, { method: 'POST', body: form, redirect: 'manual' })
  expect(paid.status).toBe(303)
}
