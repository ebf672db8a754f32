import { type Context, Elysia, t } from 'elysia'
import { DEFAULT_LIMIT } from '#src/lib/page.ts'
import { SECOND } from '#src/lib/time.ts'
import { type Answer, idempotencyKeyOf } from '#src/modules/idempotency/key.ts'
import { sendAnswer } from '#src/modules/idempotency/reply.ts'
import type { Auth, Principal } from '#src/plugins/auth.ts'
import { strictQuery } from '#src/plugins/query.ts'
import { answers, Cursor, EmptyBody, Limit, problems } from '#src/plugins/schemas.ts'
import { traceparent } from '#src/plugins/trace.ts'
import type { Quota } from '../quota/model.ts'
import { Accepted, Exchange, Message, MessagePage, NewPrompt } from './model.ts'
import type { Messages } from './service.ts'

const answer = answers({ Message, Accepted, Exchange, MessagePage })
const detail = { tags: ['Messages'] }

const Order = t.Optional(
  t.Union([t.Literal('asc'), t.Literal('desc')], {
    description: 'asc (oldest first, the default) or desc.',
    error: 'must be asc or desc',
  }),
)

const Wait = t.Optional(
  t.String({
    pattern: '^(1?[0-9]|2[0-5])$',
    description: 'Seconds to wait for a reply to be final, 0–25.',
    error: 'must be a whole number from 0 to 25',
  }),
)

export interface MessageRouteDeps {
  auth: Auth
  messages: Messages
  /** RateLimit headers of a quota. */
  quotaHeaders: (quota: Quota) => Record<string, string>
  readQuota: (principal: Principal) => Promise<Quota>
}

/** A replay shows the quota as it is now, not as it was then. */
async function sendAccepted(
  set: Context['set'],
  answer: Answer<Accepted>,
  principal: Principal,
  { quotaHeaders, readQuota }: MessageRouteDeps,
): Promise<Accepted> {
  const quota = answer.replayed ? await readQuota(principal) : answer.body.quota
  Object.assign(set.headers, quotaHeaders(quota))
  return sendAnswer(set, answer)
}

export function createMessageRoutes(deps: MessageRouteDeps) {
  const { auth, messages } = deps
  return new Elysia({ name: 'messages', prefix: '/v1/chatroom/:id/message' })
    .use(auth)
    .post(
      '',
      async ({ principal, params, body, request, set }) => {
        const facts = { claim: idempotencyKeyOf(request, body), trace: traceparent(request) }
        const answer = await messages.accept(principal.userId, params.id, body.userPrompt, facts)
        return sendAccepted(set, answer, principal, deps)
      },
      {
        authenticated: 'with-quota',
        body: NewPrompt,
        response: { 202: answer.Accepted, ...problems(400, 401, 404, 409, 413, 415, 422, 429) },
        detail: { ...detail, summary: 'Send a prompt' },
      },
    )
    .get('', ({ principal, params }) => messages.latest(principal.userId, params.id), {
      authenticated: 'with-quota',
      response: { 200: answer.Exchange, ...problems(401, 404) },
      detail: { ...detail, summary: 'The latest prompt and its reply' },
    })
    .get(
      '/all',
      ({ principal, params, query }) =>
        messages.page(principal.userId, params.id, {
          limit: Number(query.limit ?? DEFAULT_LIMIT),
          cursor: query.cursor,
          order: query.order ?? 'asc',
        }),
      {
        authenticated: 'with-quota',
        beforeHandle: strictQuery,
        query: t.Object({ limit: Limit, cursor: Cursor, order: Order }),
        response: { 200: answer.MessagePage, ...problems(400, 401, 404, 422) },
        detail: { ...detail, summary: 'The messages of a room in their order' },
      },
    )
    .get(
      '/:messageId',
      ({ principal, params, query, request }) => {
        const waitMs = Number(query.wait ?? 0) * SECOND
        const signal = waitMs > 0 ? request.signal : undefined
        return messages.get(principal, params.id, params.messageId, waitMs, signal)
      },
      {
        authenticated: 'with-quota',
        beforeHandle: strictQuery,
        query: t.Object({ wait: Wait }),
        response: { 200: answer.Message, ...problems(401, 404, 422) },
        detail: { ...detail, summary: 'One message; can wait for a reply to be final' },
      },
    )
    .post(
      '/:messageId/cancel',
      ({ principal, params }) => messages.cancel(principal, params.id, params.messageId),
      {
        authenticated: 'with-quota',
        body: EmptyBody,
        response: { 200: answer.Message, ...problems(400, 401, 404, 409, 413, 415, 422) },
        detail: { ...detail, summary: 'Stop a reply, keeping the text so far' },
      },
    )
    .post(
      '/:messageId/regenerate',
      async ({ principal, params, body, request, set }) => {
        const facts = { claim: idempotencyKeyOf(request, body), trace: traceparent(request) }
        const answer = await messages.regenerate(
          principal.userId,
          params.id,
          params.messageId,
          facts,
        )
        return sendAccepted(set, answer, principal, deps)
      },
      {
        authenticated: 'with-quota',
        body: EmptyBody,
        response: { 202: answer.Accepted, ...problems(400, 401, 404, 409, 413, 415, 422, 429) },
        detail: { ...detail, summary: 'Ask for another reply to the same prompt' },
      },
    )
}
