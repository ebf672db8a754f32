import type { Failure } from './behaviour.ts'

/** An error as the API describes it: google.rpc.Status as JSON, with its details. */
export function toError({ status, message, retryDelay, quotaIds }: Failure) {
  const details: object[] = []
  if (quotaIds !== undefined) {
    const violations = quotaIds.map((quotaId) => ({ quotaId, quotaMetric: 'requests' }))
    details.push({ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations })
  }
  if (retryDelay !== undefined) {
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay })
  }
  return {
    error: {
      code: status,
      message: message ?? 'an error that the test asked for',
      status: 'ERROR',
      details,
    },
  }
}

/** An answer with that status; `body` replaces the described error. */
export function failure(
  fault: Failure,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
): Response {
  const answer = { status: fault.status, headers }
  return body === undefined ? Response.json(toError(fault), answer) : new Response(body, answer)
}
