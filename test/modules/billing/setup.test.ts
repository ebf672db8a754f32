import { describe, expect, test } from 'bun:test'
import pino from 'pino'
import { MINUTE } from '#src/lib/time.ts'
import { createMetrics } from '#src/plugins/metrics.ts'
import type { StripeRefusal } from '#standins/stripe/behaviour.ts'
import { REFUSALS } from '#standins/stripe/refusals.ts'
import { json, type ProblemJson, type TestUser } from '#test/support/test-app.ts'
import { createTestBilling, type TestBilling } from '#test/support/test-billing.ts'

interface Line {
  level: number
  alarm?: string
  remedy?: string
  stripe?: Record<string, unknown>
}

/** Billing whose log lines of level error are kept. */
async function watched(options: Parameters<typeof createTestBilling>[0] = {}) {
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) })
  const billing = await createTestBilling({ ...options, log })
  return {
    billing,
    text: () => lines.join(''),
    lines: (): Line[] => lines.map((line) => JSON.parse(line)),
  }
}

const unavailable = async (answer: Response) => {
  expect(answer.status).toBe(503)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  const problem = await json<ProblemJson>(answer)
  expect(problem.type).toBe('/problems/billing-unavailable')
  return problem
}

/** What the operator fixes, by the refusal that shows it. */
const expected: Record<keyof typeof REFUSALS, [alarm: string, remedy: RegExp]> = {
  'wrong mode': ['stripe-mode', /STRIPE_PRO_PRICES/],
  'portal not configured': ['stripe-portal', /Customer portal/],
  'price inactive': ['stripe-price', /STRIPE_PRO_PRICES/],
  'no such price': ['stripe-price', /STRIPE_PRO_PRICES/],
  'product inactive': ['stripe-price', /product/],
  'combined currencies': ['stripe-currency', /currency/],
  'tax not activated': ['stripe-tax', /STRIPE_AUTOMATIC_TAX/],
  'tax location': ['stripe-tax', /Settings → Tax/],
  'head office': ['stripe-tax', /head office/],
  'account name missing': ['stripe-activation', /business name/],
  'account not activated': ['stripe-activation', /activation/],
  'no payment method': ['stripe-payment-methods', /payment method/],
  'return address': ['stripe-return-url', /STRIPE_SUCCESS_URL/],
  'key expired': ['stripe-key', /STRIPE_SECRET_KEY/],
  'permission missing': ['stripe-permission', /restricted key/],
  'unknown refusal': ['stripe-request', /message/],
}

/** A code alone must be enough: messages change, and some say nothing. */
const codes: [code: string, alarm: string][] = [
  ['livemode_mismatch', 'stripe-mode'],
  ['product_inactive', 'stripe-price'],
  ['payment_method_currency_mismatch', 'stripe-currency'],
  ['stripe_tax_inactive', 'stripe-tax'],
  ['invalid_tax_location', 'stripe-tax'],
  ['taxes_calculation_failed', 'stripe-tax'],
  ['failed_tax_calculation', 'stripe-tax'],
  ['tax_id_invalid', 'stripe-tax'],
  ['payment_method_unactivated', 'stripe-payment-methods'],
  ['invoice_no_payment_method_types', 'stripe-payment-methods'],
  ['account_invalid', 'stripe-activation'],
  ['account_closed', 'stripe-activation'],
  ['capability_not_active', 'stripe-activation'],
  ['platform_account_required', 'stripe-activation'],
  ['url_invalid', 'stripe-return-url'],
  ['platform_api_key_expired', 'stripe-key'],
  ['secret_key_required', 'stripe-key'],
  ['parameter_unknown', 'stripe-request'],
]

describe('A refusal that only an operator can end is 503 and an alarm with the remedy', () => {
  const subscribe = (billing: TestBilling, user: TestUser) =>
    billing.send('POST', '/v1/subscribe/pro', user)

  test.each(Object.keys(REFUSALS) as (keyof typeof REFUSALS)[])(
    '%s, in a checkout',
    async (name) => {
      const { billing, lines, text } = await watched()
      await using _ = billing
      const user = await billing.shopper()
      const refusal: StripeRefusal = REFUSALS[name]
      billing.stripe.behave(() => ({ kind: 'error', ...refusal }))
      const problem = await unavailable(await subscribe(billing, user))
      expect(JSON.stringify(problem)).not.toContain(refusal.message)
      const [alarm, remedy] = expected[name]
      expect(lines()).toHaveLength(1)
      expect(lines()[0]).toMatchObject({ level: 50, alarm })
      expect(lines()[0]?.remedy).toMatch(remedy)
      expect(lines()[0]?.stripe).toMatchObject({ statusCode: refusal.status })
      expect(text()).not.toMatch(/[sr]k_test_[\w*]/)
    },
  )

  test.each(codes)('the code %s alone', async (code, alarm) => {
    const { billing, lines } = await watched()
    await using _ = billing
    const user = await billing.shopper()
    billing.stripe.behave(() => ({ kind: 'error', status: 400, code, message: 'No.' }))
    await unavailable(await subscribe(billing, user))
    expect(lines()[0]).toMatchObject({ alarm })
  })

  test.each([
    ['/v1/subscription/portal', REFUSALS['portal not configured'], 'stripe-portal'],
    ['/v1/subscription/cancel', REFUSALS['unknown refusal'], 'stripe-request'],
    ['/v1/subscription/resume', REFUSALS['permission missing'], 'stripe-permission'],
    ['/v1/subscription/sync', REFUSALS['key expired'], 'stripe-key'],
  ] as const)('in POST %s', async (path, refusal, alarm) => {
    const { billing, lines } = await watched()
    await using _ = billing
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'error', ...refusal }))
    await unavailable(await billing.send('POST', path, user))
    expect(lines().map((line) => line.alarm)).toEqual([alarm])
    expect(await billing.tier(user)).toBe('pro')
  })

  test('in GET /v1/plans', async () => {
    const { billing, lines } = await watched()
    await using _ = billing
    billing.stripe.behave(() => ({ kind: 'error', ...REFUSALS['wrong mode'] }))
    await unavailable(await billing.send('GET', '/v1/plans', await billing.signIn()))
    expect(lines()[0]).toMatchObject({ alarm: 'stripe-mode' })
  })

  test('when the stand-in refuses what is not set up', async () => {
    const { billing, lines } = await watched({ settings: { stripeAutomaticTax: true } })
    await using _ = billing
    const user = await billing.shopper()
    const { setup } = billing.state
    const alarmOf = async (path: string) => {
      billing.clock.set(billing.clock.now() + MINUTE)
      await unavailable(await billing.send('POST', path, await billing.fresh(user)))
      return lines().at(-1)?.alarm
    }
    for (const session of billing.state.sessions.values()) session.status = 'expired'
    setup.taxActive = false
    expect(await alarmOf('/v1/subscribe/pro')).toBe('stripe-tax')
    billing.state.price('price_standin_pro').active = false
    expect(await alarmOf('/v1/subscribe/pro')).toBe('stripe-price')
    setup.chargesEnabled = false
    expect(await alarmOf('/v1/subscribe/pro')).toBe('stripe-activation')
    setup.portalSaved = false
    expect(await alarmOf('/v1/subscription/portal')).toBe('stripe-portal')
  })

  test('is logged once a minute and counted each time', async () => {
    const metrics = createMetrics()
    const { billing, lines } = await watched({ metrics })
    await using _ = billing
    const user = await billing.subscriber()
    billing.state.setup.portalSaved = false
    const ask = async () =>
      unavailable(await billing.send('POST', '/v1/subscription/portal', await billing.fresh(user)))
    for (let at = 0; at < 5; at++) await ask()
    expect(lines()).toHaveLength(1)
    billing.clock.set(billing.clock.now() + MINUTE)
    await ask()
    expect(lines()).toHaveLength(2)
    const text = await metrics.text()
    expect(text).toContain('\npollux_alarms_total{alarm="stripe-portal"} 6\n')
    // The counter exists from the start, so that the first alarm is an increase.
    expect(text).toContain('\npollux_alarms_total{alarm="stripe-webhook"} 0\n')
  })

  test('goes on once the operator has fixed it, without a restart', async () => {
    const { billing } = await watched()
    await using _ = billing
    const user = await billing.subscriber()
    billing.state.setup.portalSaved = false
    await unavailable(await billing.send('POST', '/v1/subscription/portal', user))
    billing.state.setup.portalSaved = true
    expect((await billing.send('POST', '/v1/subscription/portal', user)).status).toBe(200)
  })

  test('a call with the same key that still runs is 503 without an alarm', async () => {
    const { billing, lines } = await watched()
    await using _ = billing
    const user = await billing.shopper()
    const running = { status: 409, code: 'idempotency_key_in_use', message: 'It still runs.' }
    billing.stripe.behave(() => ({ kind: 'error', ...running }))
    await unavailable(await subscribe(billing, user))
    expect(lines()).toEqual([])
  })

  test('an idempotency key that was used with other parameters is 503 once, and the next try works', async () => {
    const { billing, lines } = await watched()
    await using _ = billing
    const user = await billing.shopper()
    for (const session of billing.state.sessions.values()) session.status = 'expired'
    billing.stripe.behave(({ method, path }) =>
      method === 'POST' && path === '/v1/checkout/sessions'
        ? { kind: 'error', status: 400, type: 'idempotency_error', message: 'Other parameters.' }
        : { kind: 'answer' },
    )
    await unavailable(await subscribe(billing, user))
    billing.stripe.behave(() => ({ kind: 'answer' }))
    expect((await subscribe(billing, user)).status).toBe(200)
    expect(lines()).toEqual([])
  })
})

describe('A job that Stripe refuses', () => {
  test.each([
    [REFUSALS['unknown refusal'], 'stripe-request', 60],
    [REFUSALS['permission missing'], 'stripe-permission', 5],
  ])('waits and goes on, with an alarm: %o', async (refusal, alarm, minutes) => {
    const { billing, lines } = await watched()
    await using _ = billing
    const user = await billing.subscriber()
    billing.stripe.behave(() => ({ kind: 'error', ...refusal }))
    billing.state.setStatus(user.subscriptionId, 'canceled')
    const deadline = performance.now() + 3_000
    const due = () => billing.syncs().find(({ state }) => state === 'ready')?.dueAt ?? 0
    while (due() <= billing.clock.now()) {
      if (performance.now() > deadline) throw new Error(JSON.stringify(billing.syncs()))
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    expect(due()).toBe(billing.clock.now() + minutes * MINUTE)
    expect(lines().map((line) => line.alarm)).toEqual([alarm])
    billing.stripe.behave(() => ({ kind: 'answer' }))
    await billing.later(minutes * MINUTE)
    expect(await billing.tier(user)).toBe('basic')
  })
})
