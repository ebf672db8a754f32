import { describe, expect, test } from 'bun:test'
import { DAY, MINUTE, SECOND } from '#src/lib/time.ts'
import { billingFormFindings } from '#src/modules/billing/doctor.ts'
import { billingFindings } from '#src/modules/billing/doctor-online.ts'
import type { BillingSettings } from '#src/modules/billing/settings.ts'
import { billingSettings } from '#src/modules/billing/settings.ts'
import { REFUSALS } from '#standins/stripe/refusals.ts'
import { createTestBilling, WEBHOOK_SECRET } from '#test/support/test-billing.ts'

const webhookUrl = 'https://api.example/v1/webhook/stripe'

async function settingsOf(billing: Awaited<ReturnType<typeof createTestBilling>>) {
  const settings = billingSettings(billing.config)
  if (!settings) throw new Error('Stripe is configured in these tests')
  return settings
}

const good: BillingSettings = {
  secretKey: 'sk_live_51abc',
  webhookSecrets: [WEBHOOK_SECRET],
  proPrices: ['price_1'],
  apiBase: undefined,
  timeoutMs: 10_000,
  successUrl: 'https://app.example',
  cancelUrl: 'https://app.example',
  portalReturnUrl: 'https://app.example',
  promotionCodes: false,
  automaticTax: false,
}

describe('The form of the settings', () => {
  const checks = (values: Partial<BillingSettings>, production = true) =>
    billingFormFindings({ ...good, ...values }, { production }).map(({ level, check }) => [
      level,
      check,
    ])

  test('finds nothing in good ones', () => {
    expect(checks({})).toEqual([])
    expect(checks({ secretKey: 'rk_live_51abc' })).toEqual([])
    expect(checks({ secretKey: 'sk_test_51abc' }, false)).toEqual([])
  })

  test('names a publishable key, a test key in production, and swapped secrets', () => {
    expect(checks({ secretKey: 'pk_live_51abc' })).toEqual([['error', 'stripe-key']])
    expect(checks({ secretKey: 'sk_test_51abc' })).toEqual([['warning', 'stripe-key']])
    expect(checks({ webhookSecrets: ['sk_live_51abc'] })).toEqual([['error', 'stripe-webhook']])
    expect(checks({ webhookSecrets: ['whsec_a b'] })).toEqual([['error', 'stripe-webhook']])
    expect(checks({ proPrices: ['prod_1'] })).toEqual([['error', 'stripe-price']])
  })

  test('never shows a secret', () => {
    const shown = JSON.stringify(
      billingFormFindings(
        { ...good, secretKey: 'pk_very_secret', webhookSecrets: ['also_secret'] },
        { production: true },
      ),
    )
    expect(shown).not.toContain('secret_')
    expect(shown).not.toContain('very')
    expect(shown).not.toContain('also')
  })
})

describe('What Stripe says', () => {
  test('only that no endpoint is known, when everything else is right', async () => {
    await using billing = await createTestBilling()
    const findings = await billingFindings(await settingsOf(billing), { webhookUrl })
    expect(findings.map(({ check }) => check)).toEqual(['stripe-webhook'])
    expect(billing.stripe.calls.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('that a price is unknown, that the key is refused, that Stripe does not answer', async () => {
    await using billing = await createTestBilling()
    const settings = await settingsOf(billing)
    const checks = async (values: Partial<BillingSettings>) =>
      (await billingFindings({ ...settings, ...values }, { webhookUrl })).map(({ check }) => check)
    expect(await checks({ proPrices: ['price_none'] })).toEqual(['stripe-price', 'stripe-webhook'])
    expect(await checks({ secretKey: 'sk_test_wrong' })).toEqual(['stripe-key'])
    expect(await checks({ apiBase: 'http://127.0.0.1:1' })).toEqual(['stripe'])
  })

  test('that key and price are of different modes', async () => {
    await using billing = await createTestBilling({ livemode: true })
    const price = billing.state.price('price_standin_pro')
    price.livemode = false
    price.active = false
    const findings = await billingFindings(await settingsOf(billing), { webhookUrl })
    expect(findings.map(({ check }) => check)).toEqual([
      'stripe-mode',
      'stripe-price',
      'stripe-webhook',
    ])
  })

  test('what is not set up at Stripe, each with its fix', async () => {
    await using billing = await createTestBilling({ settings: { stripeAutomaticTax: true } })
    Object.assign(billing.state.setup, {
      portalSaved: false,
      taxActive: false,
      chargesEnabled: false,
    })
    const price = billing.state.price('price_standin_pro')
    price.product = { id: 'prod_1', object: 'product', deleted: true }
    const findings = await billingFindings(await settingsOf(billing), { webhookUrl })
    expect(findings.map(({ level, check }) => [level, check])).toEqual([
      ['error', 'stripe-price'],
      ['error', 'stripe-activation'],
      ['error', 'stripe-portal'],
      ['error', 'stripe-tax'],
      ['warning', 'stripe-webhook'],
    ])
    for (const { fix } of findings) expect(fix.length).toBeGreaterThan(20)
    billing.state.setup.taxActive = true
    const settings = { ...(await settingsOf(billing)), automaticTax: false }
    const checks = (await billingFindings(settings, { webhookUrl })).map(({ check }) => check)
    expect(checks).not.toContain('stripe-tax')
  })

  test('that deliveries of the last day failed, once they are ten minutes old', async () => {
    await using billing = await createTestBilling({ deliver: false })
    const { clock, state } = billing
    const found = async () =>
      (await billingFindings(await settingsOf(billing), { webhookUrl, clock })).flatMap(
        ({ what }) => /could not deliver (\d+) events/.exec(what)?.[1] ?? [],
      )
    state.happen('customer.subscription.updated', {})
    state.happen('payout.paid', {})
    clock.set(clock.now() + 10 * MINUTE - SECOND)
    expect(await found()).toEqual([])
    clock.set(clock.now() + SECOND)
    expect(await found()).toEqual(['1'])
    clock.set(clock.now() + DAY)
    expect(await found()).toEqual([])
  })

  test('only what the key may read, without a finding for the rest', async () => {
    await using billing = await createTestBilling()
    billing.stripe.behave(({ path }) =>
      path.startsWith('/v1/prices')
        ? { kind: 'answer' }
        : { kind: 'error', ...REFUSALS['permission missing'] },
    )
    expect(await billingFindings(await settingsOf(billing), { webhookUrl })).toEqual([])
  })

  test('that our endpoint is disabled, or sends too few events, also on the second page of the list', async () => {
    await using billing = await createTestBilling()
    const endpoint = { url: webhookUrl, status: 'disabled', enabled_events: ['invoice.paid'] }
    const others = Array.from({ length: 150 }, (_, at) => ({
      id: `we_${at}`,
      url: 'https://x.example',
    }))
    const whats = async (ours: object) => {
      billing.state.endpoints.splice(0, Number.POSITIVE_INFINITY, ...others, {
        id: 'we_ours',
        ...ours,
      })
      return (await billingFindings(await settingsOf(billing), { webhookUrl })).map(
        ({ what }) => what,
      )
    }
    expect((await whats(endpoint))[0]).toContain('no enabled webhook endpoint')
    expect((await whats({ ...endpoint, status: 'enabled' }))[0]).toContain(
      'checkout.session.completed',
    )
    expect(await whats({ ...endpoint, status: 'enabled', enabled_events: ['*'] })).toEqual([])
  })
})
