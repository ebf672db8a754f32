import type { Context } from 'elysia'
import type { Principal } from './auth.ts'
import { type Answer, idempotencyClaim } from './idempotency.ts'
import type { IdempotentCall } from './idempotent-call.ts'
import type { Limit } from './rate-limit.ts'

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
  const claim = idempotencyClaim(request, body)
  const answer = await idempotently({ userId: principal.userId, claim, limits }, async () => ({
    status,
    body: await make(),
    location: null,
  }))
  return sendAnswer(set, answer)
}
