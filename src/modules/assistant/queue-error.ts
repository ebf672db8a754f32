import { SECOND } from '#src/lib/time.ts'
import { Discard, RetryAfter, Snooze } from '#src/queue/job.ts'
import { KEY_CHECK_MS } from '#src/queue/provider-limits.ts'
import type { AssistantFault } from './assistant.ts'

/** Where a provider does not say how long to wait. */
const DEFAULT_WAIT_MS = 5 * SECOND

/** What a job throws after a fault of the assistant, so that the queue ends it or runs it again. */
export function toQueueError(fault: AssistantFault): Error {
  const { kind, message, retryAfterMs } = fault
  switch (kind) {
    case 'rate-limited':
      return new Snooze(retryAfterMs ?? DEFAULT_WAIT_MS, message, {
        code: 'provider-limited',
        unused: fault.isUnasked,
      })
    case 'key':
      return new Snooze(KEY_CHECK_MS, message, { code: 'provider-key', unused: fault.isUnasked })
    case 'exhausted':
    case 'refused':
    case 'model-gone':
    case 'blocked':
      return new Discard(`provider-${kind}`, message)
    case 'overloaded':
    case 'broken':
      return retryAfterMs === undefined ? fault : new RetryAfter(retryAfterMs, kind, message)
  }
}
