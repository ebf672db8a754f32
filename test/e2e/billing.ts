import { expect, test } from 'bun:test'
import type { CheckoutPage, SubscriptionStatus } from '#src/modules/billing/model.ts'
import { createStripeStandIn, STAND_IN_PRICE } from '#standins/stripe/server.ts'
import type { World, WorldOptions } from './world.ts'

const TEST_MS = 40_000
const SECRET = 'whsec_end_to_end'

/** Stripe's SDK, its signatures and the raw body in the program as it is shipped, through a kill -9. */
export function testBilling(createWorld: (options: WorldOptions) => Promise<World>): void {
  test(
    'a user pays and is Pro, also when the server was killed between the delivery and its sync',
    async () => {
      const stripe = createStripeStandIn({ webhookSecret: SECRET })
      try {
        await using here = await createWorld({
          settings: {
            STRIPE_SECRET_KEY: 'sk_test_end_to_end',
            STRIPE_WEBHOOK_SECRETS: SECRET,
            STRIPE_PRO_PRICES: STAND_IN_PRICE.id,
            STRIPE_API_BASE: stripe.url,
          },
        })
        await here.start()
        const token = await here.signIn()
        const status = async () =>
          (await here.call<SubscriptionStatus>('GET', '/v1/subscription/status', { token })).body
        const answer = await here.call<CheckoutPage>('POST', '/v1/subscribe/pro', { token })
        expect(answer.status).toBe(200)

        // Every sync hangs, so that the kill comes in the middle of one.
        stripe.behave(() => ({ kind: 'hang' }))
        stripe.deliverTo(`${here.server.url}/v1/webhook/stripe`)
        stripe.state.pay(answer.body.url.split('/').at(-1) ?? '')
        await stripe.deliveries.settled()
        expect(new Set(stripe.deliveries.log.map(({ status: code }) => code))).toEqual(
          new Set([200]),
        )
        expect((await status()).tier).toBe('basic')
        await here.server.stop('SIGKILL')

        stripe.behave(() => ({ kind: 'answer' }))
        await here.start()
        const deadline = performance.now() + 10_000
        while ((await status()).tier !== 'pro') {
          if (performance.now() > deadline) throw new Error('Still Basic after ten seconds')
          await Bun.sleep(20)
        }
        expect(await status()).toMatchObject({ status: 'active', quota: { limit: null } })
      } finally {
        await stripe.stop()
      }
    },
    TEST_MS,
  )
}
