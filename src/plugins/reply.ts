import type { Context } from 'elysia'
import type { Answer } from './idempotency.ts'

/** Sets status and headers of an answer that may be a replay, and gives its body. */
export function sendAnswer<B>(set: Context['set'], answer: Answer<B>): B {
  set.status = answer.status
  if (answer.location !== null) set.headers['location'] = answer.location
  if (answer.replayed) set.headers['idempotent-replayed'] = 'true'
  return answer.body
}
