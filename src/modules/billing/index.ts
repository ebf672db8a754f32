import { Elysia, t } from 'elysia'
import type { Auth } from '#src/plugins/auth.ts'
import { readBytes } from '#src/plugins/body.ts'
import type { IdempotentCall } from '#src/plugins/idempotent-call.ts'
import { answerOnce } from '#src/plugins/reply.ts'
import { answers, Nothing, problems, type Quota } from '#src/plugins/schemas.ts'
import { CheckoutPage, PlanList, PortalPage, Received, SubscriptionStatus } from './model.ts'
import { page } from './page.ts'
import type { Billing } from './service.ts'

/** Stripe's own limit of an event is far below. */
const WEBHOOK_LIMIT_BYTES = 512 * 1024

/** Its handler reads the body itself: the signature is over the bytes as they came. */
export const WEBHOOK_PATH = '/v1/webhook/stripe'

const answer = answers({ CheckoutPage, PortalPage, PlanList, Received, SubscriptionStatus })
const detail = { tags: ['Subscription'] }

export function createBillingRoutes({
  auth,
  billing,
  quota,
  idempotently,
}: {
  auth: Auth
  billing: Billing
  quota: (userId: string) => Quota
  idempotently: IdempotentCall
}) {
  const status = async (userId: string) => ({
    ...(await billing.status(userId)),
    quota: quota(userId),
  })

  return new Elysia({ name: 'billing', prefix: '/v1' })
    .use(auth)
    .post(
      '/subscribe/pro',
      (context) =>
        answerOnce(idempotently, context, 200, () =>
          billing.provider().subscribe(context.principal.userId),
        ),
      {
        authenticated: true,
        body: Nothing,
        response: { 200: answer.CheckoutPage, ...problems(400, 401, 409, 413, 415, 422) },
        detail: { ...detail, summary: 'The page to pay on; the same one while it is open' },
      },
    )
    .post(
      '/webhook/stripe',
      async ({ request }) => {
        const provider = billing.provider()
        const body = await readBytes(request, WEBHOOK_LIMIT_BYTES)
        await provider.takeDelivery(body, request.headers.get('stripe-signature'))
        return { received: true } as const
      },
      {
        response: { 200: answer.Received, ...problems(400, 413) },
        detail: { ...detail, summary: 'Deliveries of Stripe, signed' },
      },
    )
    .get('/subscription/status', ({ principal }) => status(principal.userId), {
      authenticated: true,
      response: { 200: answer.SubscriptionStatus, ...problems(401, 404) },
      detail: { ...detail, summary: 'Tier, subscription and quota' },
    })
    .post(
      '/subscription/portal',
      (context) =>
        answerOnce(idempotently, context, 200, () =>
          billing.provider().portal(context.principal.userId),
        ),
      {
        authenticated: true,
        body: Nothing,
        response: { 200: answer.PortalPage, ...problems(400, 401, 409, 413, 415, 422) },
        detail: { ...detail, summary: 'The page to manage card, invoices and subscription on' },
      },
    )
    .post(
      '/subscription/cancel',
      async ({ principal }) => {
        await billing.provider().cancel(principal.userId)
        return status(principal.userId)
      },
      {
        authenticated: true,
        body: Nothing,
        response: {
          200: answer.SubscriptionStatus,
          ...problems(400, 401, 404, 409, 413, 415, 422),
        },
        detail: { ...detail, summary: 'End with the period' },
      },
    )
    .post(
      '/subscription/resume',
      async ({ principal }) => {
        await billing.provider().resume(principal.userId)
        return status(principal.userId)
      },
      {
        authenticated: true,
        body: Nothing,
        response: {
          200: answer.SubscriptionStatus,
          ...problems(400, 401, 404, 409, 413, 415, 422),
        },
        detail: { ...detail, summary: 'Undo a cancellation before the period ends' },
      },
    )
    .post(
      '/subscription/sync',
      async ({ principal }) => {
        await billing.provider().sync(principal.userId)
        return status(principal.userId)
      },
      {
        authenticated: true,
        body: Nothing,
        response: { 200: answer.SubscriptionStatus, ...problems(400, 401, 404, 413, 415, 422) },
        detail: { ...detail, summary: 'Read the subscription from Stripe again' },
      },
    )
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
