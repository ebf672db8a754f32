import { GoogleGenerativeAIFetchError } from '@google/generative-ai'
import { SECOND } from '#src/lib/time.ts'
import { AssistantFault } from './assistant.ts'

/** Finish reasons with which the provider withholds an answer (Gemini API, FinishReason). */
export const BLOCKED_REASONS = new Set([
  'SAFETY',
  'PROHIBITED_CONTENT',
  'RECITATION',
  'BLOCKLIST',
  'SPII',
  'IMAGE_SAFETY',
  'LANGUAGE',
])

/** Says of any error of the SDK what it means for the reply. */
export function toFault(error: unknown): AssistantFault {
  if (error instanceof AssistantFault) return error
  if (!(error instanceof GoogleGenerativeAIFetchError)) {
    // Cut connections, unreadable answers, DNS and TLS failures: the SDK gives them no type of their own.
    return new AssistantFault('broken', error instanceof Error ? error.message : String(error))
  }
  const { status, message } = error
  const retryAfterMs = retryDelayMs(error)
  const details = retryAfterMs === undefined ? {} : { retryAfterMs }
  if (status === 429) return new AssistantFault('rate-limited', message, details)
  if (status === 404) return new AssistantFault('model-gone', message)
  if (status === 401 || status === 403 || (status === 400 && /API.?key/i.test(message))) {
    return new AssistantFault('key', message)
  }
  if (status === undefined || status === 408 || status >= 500) {
    return new AssistantFault('overloaded', message, details)
  }
  return new AssistantFault('refused', message)
}

/** google.rpc.RetryInfo: `retryDelay` is a duration such as "7s" or "0.5s". */
function retryDelayMs(error: GoogleGenerativeAIFetchError): number | undefined {
  for (const detail of error.errorDetails ?? []) {
    const delay: unknown = detail['retryDelay']
    const seconds = typeof delay === 'string' ? /^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1] : undefined
    if (seconds !== undefined) return Math.ceil(Number(seconds) * SECOND)
  }
  return undefined
}
