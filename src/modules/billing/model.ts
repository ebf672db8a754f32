import { type Static, t } from 'elysia'
import { Quota } from '#src/plugins/schemas.ts'

export const CheckoutPage = t.Object(
  {
    url: t.String({ description: 'Stripe’s page to pay on; open it in a browser.' }),
    expiresAt: t.String({ format: 'date-time' }),
  },
  {
    description: 'An open Stripe Checkout.',
    examples: [
      {
        url: 'https://checkout.stripe.com/c/pay/cs_test_a1b2c3',
        expiresAt: '2026-11-23T16:03:00.000Z',
      },
    ],
  },
)

export const PortalPage = t.Object(
  { url: t.String({ description: 'Stripe’s page to manage the subscription on; short-lived.' }) },
  {
    description: 'A page of Stripe’s customer portal.',
    examples: [{ url: 'https://billing.stripe.com/p/session/test_a1b2c3' }],
  },
)

export const Received = t.Object(
  { received: t.Literal(true) },
  { description: 'Taken in, or known already.', examples: [{ received: true }] },
)

export const SubscriptionStatus = t.Object(
  {
    phone: t.String({ description: 'E.164.' }),
    tier: t.Union([t.Literal('basic'), t.Literal('pro')]),
    status: t.String({
      description: 'As Stripe says (active, trialing, past_due, canceled, …); none without one.',
    }),
    currentPeriodEnd: t.Nullable(t.String({ format: 'date-time' })),
    cancelAtPeriodEnd: t.Boolean({ description: 'It ends with the period unless resumed.' }),
    graceUntil: t.Nullable(
      t.String({
        format: 'date-time',
        description: 'A renewal failed; until then it is forgiven and Pro goes on.',
      }),
    ),
    quota: Quota,
  },
  {
    description: 'Where the user stands.',
    examples: [
      {
        phone: '+12025550123',
        tier: 'pro',
        status: 'active',
        currentPeriodEnd: '2026-12-22T16:03:00.000Z',
        cancelAtPeriodEnd: false,
        graceUntil: null,
        quota: { limit: null },
      },
    ],
  },
)

const Price = t.Object({
  id: t.String(),
  amount: t.Nullable(t.Integer({ description: 'In the currency’s smallest unit, such as cents.' })),
  currency: t.String({ description: 'ISO 4217, lower case.' }),
  interval: t.Nullable(t.String({ description: 'day, week, month or year' })),
  intervalCount: t.Nullable(t.Integer()),
})

export const PlanList = t.Object(
  {
    items: t.Array(
      t.Object({
        tier: t.Union([t.Literal('basic'), t.Literal('pro')]),
        dailyPrompts: t.Nullable(t.Integer({ description: 'null: no limit' })),
        price: t.Nullable(Price),
      }),
    ),
  },
  {
    description: 'What is offered.',
    examples: [
      {
        items: [
          { tier: 'basic', dailyPrompts: 5, price: null },
          {
            tier: 'pro',
            dailyPrompts: null,
            price: {
              id: 'price_1',
              amount: 900,
              currency: 'eur',
              interval: 'month',
              intervalCount: 1,
            },
          },
        ],
      },
    ],
  },
)

export type PlanList = Static<typeof PlanList>
export type CheckoutPage = Static<typeof CheckoutPage>
export type PortalPage = Static<typeof PortalPage>
export type SubscriptionStatus = Static<typeof SubscriptionStatus>
