import { Elysia, t } from 'elysia'
import type { IdempotentCall } from '#src/modules/idempotency/idempotent-call.ts'
import { answerOnce } from '#src/modules/idempotency/reply.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Auth, Principal } from '#src/plugins/auth.ts'
import { readBytes } from '#src/plugins/body.ts'
import { answers, EmptyBody, problems, type Quota } from '#src/plugins/schemas.ts'
import { CheckoutPage, PlanList, PortalPage, Received, SubscriptionStatus } from './model.ts'
import { page } from './page.ts'
import type { Billing } from './service.ts'

/** Far above the largest event that Stripe sends. */
const WEBHOOK_LIMIT_BYTES = 512 * 1024

/** Its handler reads the body itself: the signature is over the bytes as they came. */
export const WEBHOOK_PATH = '/v1/webhook/stripe'

const answer = answers({ CheckoutPage, PortalPage, PlanList, Received, SubscriptionStatus })
const detail = { tags: ['Subscription'] }
const action = {
  authenticated: true,
  body: EmptyBody,
  response: {
    200: answer.SubscriptionStatus,
    ...problems(400, 401, 404, 409, 413, 415, 422, 429),
  },
} as const

export function createBillingRoutes({
  auth,
  billing,
  quota,
  idempotently,
  limitsOf,
}: {
  auth: Auth
  billing: Billing
  quota: (principal: Principal) => Promise<Quota>
  idempotently: IdempotentCall
  /** How often one user may use the routes that call Stripe. */
  limitsOf: (principal: Principal) => Limit[]
}) {
  const status = async (principal: Principal) => ({
    ...(await billing.status(principal.userId)),
    quota: await quota(principal),
  })

  /** An action that may be repeated, because it creates nothing; so it takes no Idempotency-Key. */
  async function act(name: 'cancel' | 'resume' | 'sync', principal: Principal) {
    const { userId } = principal
    const provider = billing.provider()
    const call = { userId, claim: undefined, limits: limitsOf(principal) }
    await idempotently(call, async () => {
      await provider[name](userId)
      return { status: 200, body: undefined, location: null }
    })
    return status(principal)
  }

  return new Elysia({ name: 'billing', prefix: '/v1' })
    .use(auth)
    .post(
      '/subscribe/pro',
      (context) => {
        const { principal } = context
        const make = () => billing.provider().subscribe(principal.userId)
        return answerOnce(idempotently, context, 200, make, limitsOf(principal))
      },
      {
        authenticated: true,
        body: EmptyBody,
        response: { 200: answer.CheckoutPage, ...problems(400, 401, 409, 413, 415, 422, 429) },
        detail: { ...detail, summary: 'The page to pay on; the same one while it is open' },
      },
    )
    .post(
      '/webhook/stripe',
      async ({ request }) => {
        const signature = request.headers.get('stripe-signature')
        await billing
          .provider()
          .takeDelivery(signature, () => readBytes(request, WEBHOOK_LIMIT_BYTES))
        return { received: true } as const
      },
      {
        response: { 200: answer.Received, ...problems(400, 413) },
        detail: { ...detail, summary: 'Deliveries of Stripe, signed' },
      },
    )
    .get('/subscription/status', ({ principal }) => status(principal), {
      authenticated: true,
      response: { 200: answer.SubscriptionStatus, ...problems(401, 404) },
      detail: { ...detail, summary: 'Tier, subscription and quota' },
    })
    .post(
      '/subscription/portal',
      (context) => {
        const { principal } = context
        const make = () => billing.provider().portal(principal.userId)
        return answerOnce(idempotently, context, 200, make, limitsOf(principal))
      },
      {
        authenticated: true,
        body: EmptyBody,
        response: { 200: answer.PortalPage, ...problems(400, 401, 409, 413, 415, 422, 429) },
        detail: { ...detail, summary: 'The page to manage card, invoices and subscription on' },
      },
    )
    .post('/subscription/cancel', ({ principal }) => act('cancel', principal), {
      ...action,
      detail: { ...detail, summary: 'End with the period' },
    })
    .post('/subscription/resume', ({ principal }) => act('resume', principal), {
      ...action,
      detail: { ...detail, summary: 'Undo a cancellation before the period ends' },
    })
    .post('/subscription/sync', ({ principal }) => act('sync', principal), {
      ...action,
      detail: { ...detail, summary: 'Read the subscription from Stripe again' },
    })
    .get('/plans', () => billing.provider().plans(), {
      authenticated: true,
      response: { 200: answer.PlanList, ...problems(401) },
      detail: { ...detail, summary: 'What is offered, at which price' },
    })
    .get('/subscription/return', ({ query }) => page(query.outcome), {
      query: t.Object({
        outcome: t.Optional(
          t.Union([t.Literal('paid'), t.Literal('cancelled'), t.Literal('portal')], {
            error: 'must be paid, cancelled or portal',
          }),
        ),
      }),
      detail: { ...detail, summary: 'Where a browser comes back to from Stripe', hide: true },
    })
}
