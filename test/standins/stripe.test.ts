import { describe, expect, test } from 'bun:test'
import Stripe from 'stripe'
import { SECOND } from '#src/lib/time.ts'
import { API_VERSION } from '#standins/stripe/objects.ts'
import {
  createStripeStandIn,
  STAND_IN_PRICE,
  type StripeStandInOptions,
} from '#standins/stripe/server.ts'
import { createFakeClock, turns } from '#test/support/fake-clock.ts'

const secret = 'whsec_of_the_stand_in'

/** The stand-in, the real SDK against it, and an endpoint that keeps what is delivered. */
function open(options: Partial<StripeStandInOptions> = {}) {
  const clock = createFakeClock()
  const standIn = createStripeStandIn({ webhookSecret: secret, clock, ...options })
  const base = new URL(standIn.url)
  const sdk = new Stripe('sk_test_1', {
    host: base.hostname,
    port: base.port,
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  })
  const received: { body: string; signature: string }[] = []
  let status = 200
  const endpoint = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const signature = request.headers.get('stripe-signature') ?? ''
      received.push({ body: await request.text(), signature })
      return new Response(null, { status })
    },
  })
  standIn.deliverTo(`http://127.0.0.1:${endpoint.port}/`)
  return {
    standIn,
    sdk,
    clock,
    received,
    types: () => received.map(({ body }) => String(JSON.parse(body).type)),
    answer(next: number) {
      status = next
    },
    async checkout() {
      const customer = await sdk.customers.create({ metadata: { user_id: 'u1' } })
      return sdk.checkout.sessions.create({
        mode: 'subscription',
        customer: customer.id,
        line_items: [{ price: STAND_IN_PRICE.id, quantity: 1 }],
        success_url: 'http://app.test/paid',
        cancel_url: 'http://app.test/back',
      })
    },
    press: (path: string, form: Record<string, string>) =>
      fetch(`${standIn.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(form),
      }),
    text: async (path: string) => (await fetch(`${standIn.url}${path}`)).text(),
    async [Symbol.asyncDispose]() {
      await standIn.stop()
      await endpoint.stop(true)
    },
  }
}

test('The stand-in speaks the version of the API that the SDK is pinned to', async () => {
  await using at = open()
  await at.sdk.prices.retrieve(STAND_IN_PRICE.id)
  expect(at.standIn.calls[0]?.apiVersion).toBe(API_VERSION)
})

describe('The checkout page', () => {
  test('Pay makes a subscription, delivers its events, and goes to the success URL', async () => {
    await using at = open()
    const { id } = await at.checkout()
    expect(await at.text(`/pay/${id}`)).toContain('€9.00')
    const answer = await at.press(`/pay/${id}`, { outcome: 'pay' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, 'http://app.test/paid'])
    const session = await at.sdk.checkout.sessions.retrieve(id)
    expect(session).toMatchObject({ status: 'complete', payment_status: 'paid', url: null })
    const { data } = await at.sdk.subscriptions.list({ customer: String(session.customer) })
    expect(data).toMatchObject([{ id: session.subscription, status: 'active' }])
    await at.standIn.deliveries.settled()
    expect(at.types().sort()).toEqual([
      'checkout.session.completed',
      'customer.created',
      'customer.subscription.created',
      'invoice.paid',
    ])
  })

  test('Decline shows an error and leaves the page open; Cancel goes back; neither makes a subscription', async () => {
    await using at = open()
    const { id } = await at.checkout()
    await at.press(`/pay/${id}`, { outcome: 'decline' })
    expect(await at.text(`/pay/${id}`)).toContain('Your card was declined')
    const answer = await at.press(`/pay/${id}`, { outcome: 'cancel' })
    expect(answer.headers.get('location')).toBe('http://app.test/back')
    expect(at.standIn.state.subscriptions.size).toBe(0)
    expect((await at.sdk.checkout.sessions.retrieve(id)).status).toBe('open')
  })

  test('cannot be paid twice', async () => {
    await using at = open()
    const { id } = await at.checkout()
    await at.press(`/pay/${id}`, { outcome: 'pay' })
    expect((await at.press(`/pay/${id}`, { outcome: 'pay' })).status).toBe(410)
    expect(at.standIn.state.subscriptions.size).toBe(1)
  })
})

describe('Deliveries', () => {
  test('are signed so that the SDK accepts them', async () => {
    await using at = open()
    await at.sdk.customers.create()
    await at.standIn.deliveries.settled()
    const [{ body, signature } = { body: '', signature: '' }] = at.received
    const now = at.clock.now()
    const verify = (text: string) =>
      at.sdk.webhooks.constructEventAsync(text, signature, secret, 300, undefined, now)
    expect((await verify(body)).type).toBe('customer.created')
    await expect(verify(`${body} `)).rejects.toThrow()
  })

  test('are repeated until the endpoint answers 2xx', async () => {
    await using at = open()
    at.answer(503)
    await at.sdk.customers.create()
    await at.standIn.deliveries.settled()
    expect(at.received).toHaveLength(1)
    await at.clock.advance(SECOND)
    await at.standIn.deliveries.settled()
    at.answer(200)
    await at.clock.advance(5 * SECOND)
    await at.standIn.deliveries.settled()
    await at.clock.advance(600 * SECOND)
    await turns(3)
    expect(at.standIn.deliveries.log.map(({ status }) => status)).toEqual([503, 503, 200])
  })

  test('can be held back, released in reverse order, and repeated', async () => {
    await using at = open()
    await at.press('/', { action: 'hold' })
    for (const _ of [1, 2]) await at.sdk.customers.create()
    await turns(3)
    expect(at.received).toEqual([])
    const [first] = at.standIn.state.events
    await at.press('/', { action: 'release-reversed' })
    await at.standIn.deliveries.settled()
    expect(at.received).toHaveLength(2)
    await at.press('/', { event: first?.id ?? '', send: '5' })
    await at.standIn.deliveries.settled()
    expect(at.received).toHaveLength(7)
  })
})

describe('The control page', () => {
  test('puts a subscription into any state', async () => {
    await using at = open()
    const { id } = await at.sdk.customers.create()
    const one = at.standIn.state.subscribe(id, STAND_IN_PRICE.id)
    for (const status of ['past_due', 'unpaid', 'paused', 'a_state_of_tomorrow', 'canceled']) {
      await at.press('/', { id: one.id, status })
      expect((await at.sdk.subscriptions.retrieve(one.id)).status).toBe(status)
    }
    expect(await at.text('/')).toContain(one.id)
  })

  test('makes the next call fail', async () => {
    await using at = open()
    await at.press('/', { fault: '429' })
    await expect(at.sdk.prices.retrieve(STAND_IN_PRICE.id)).rejects.toThrow(
      Stripe.errors.StripeRateLimitError,
    )
    expect((await at.sdk.prices.retrieve(STAND_IN_PRICE.id)).unit_amount).toBe(900)
  })

  test('escapes everything that came from outside', async () => {
    await using at = open()
    at.standIn.deliverTo('http://127.0.0.1:1/<script>alert(1)</script>')
    expect(await at.text('/')).not.toContain('<script>')
  })
})

test('The portal cancels and resumes', async () => {
  await using at = open()
  const { id } = await at.sdk.customers.create()
  const one = at.standIn.state.subscribe(id, STAND_IN_PRICE.id)
  const { url } = await at.sdk.billingPortal.sessions.create({ customer: id })
  const path = new URL(url).pathname
  await at.press(path, { id: one.id, action: 'cancel' })
  expect(await at.text(path)).toContain('Do not cancel')
  expect((await at.sdk.subscriptions.retrieve(one.id)).cancel_at_period_end).toBe(true)
  await at.press(path, { id: one.id, action: 'resume' })
  expect((await at.sdk.subscriptions.retrieve(one.id)).cancel_at_period_end).toBe(false)
})

describe('Like the real API it', () => {
  test('gives the same answer to the same idempotency key, and refuses another body', async () => {
    await using at = open()
    const idempotencyKey = 'k1'
    const create = (user: string) =>
      at.sdk.customers.create({ metadata: { user } }, { idempotencyKey })
    const [one, two] = [await create('a'), await create('a')]
    expect(two.id).toBe(one.id)
    await expect(create('b')).rejects.toThrow(Stripe.errors.StripeIdempotencyError)
  })

  test('refuses a wrong key, an unknown parameter, and what does not exist', async () => {
    await using at = open({ secretKey: 'sk_test_another' })
    await expect(at.sdk.events.list()).rejects.toThrow(Stripe.errors.StripeAuthenticationError)
    await using other = open()
    await expect(other.sdk.customers.retrieve('cus_none')).rejects.toMatchObject({
      statusCode: 404,
      code: 'resource_missing',
    })
    await expect(other.sdk.customers.create({ balance: 1 })).rejects.toMatchObject({
      code: 'parameter_unknown',
    })
  })

  test('pages its lists, newest first', async () => {
    await using at = open()
    const { id } = await at.sdk.customers.create()
    const made = Array.from(
      { length: 5 },
      () => at.standIn.state.subscribe(id, STAND_IN_PRICE.id).id,
    )
    const seen: string[] = []
    const list = at.sdk.subscriptions.list({ customer: id, status: 'all', limit: 2 })
    for await (const one of list) seen.push(one.id)
    expect(seen).toEqual(made.reverse())
  })

  test('knows a deleted customer as deleted', async () => {
    await using at = open()
    const { id } = await at.sdk.customers.create()
    const one = at.standIn.state.subscribe(id, STAND_IN_PRICE.id)
    await at.sdk.customers.del(id)
    expect(await at.sdk.customers.retrieve(id)).toMatchObject({ id, deleted: true })
    expect((await at.sdk.subscriptions.retrieve(one.id)).status).toBe('canceled')
  })
})
