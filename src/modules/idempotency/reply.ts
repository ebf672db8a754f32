import type { Context } from 'elysia'
import { type Answer, idempotencyKeyOf } from '#src/modules/idempotency/key.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Principal } from '#src/plugins/auth.ts'
import type { IdempotentCall } from './idempotent-call.ts'

/** Sets status and headers of an answer that may be a replay, and gives its body. */
export function sendAnswer<B>(set: Context['set'], answer: Answer<B>): B {
  set.status = answer.status
  if (answer.location !== null) set.headers['location'] = answer.location
  if (answer.replayed) set.headers['idempotent-replayed'] = 'true'
  return answer.body
}

/**
 * The whole of a route that asks another service to make something: at most once per `Idempotency-Key`, and within
 * `limits`, against which a replay does not count.
 */
export async function answerOnce<B>(
  idempotently: IdempotentCall,
  context: { principal: Principal; body: unknown; request: Request; set: Context['set'] },
  status: number,
  make: () => Promise<B>,
  limits: readonly Limit[] = [],
): Promise<B> {
  const { principal, body, request, set } = context
  const claim = idempotencyKeyOf(request, body)
  const answer = await idempotently({ userId: principal.userId, claim, limits }, async () => ({
    status,
    body: await make(),
    location: null,
  }))
  return sendAnswer(set, answer)
}
