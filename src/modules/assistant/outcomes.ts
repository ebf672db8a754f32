import type { FaultKind } from './assistant.ts'

/**
 * What an answer with a finish reason is: `complete` is kept, `blocked` is withheld and final, `retried` is asked
 * for again. `complete` holds only for an answer with text: an empty one, or one of thoughts only, is retried.
 */
export type Verdict = 'complete' | 'blocked' | 'retried'

/** Every FinishReason of the Gemini API (ai.google.dev/api/generate-content#FinishReason) and of Vertex AI. */
const FINISH_REASONS = new Map<string, Verdict>([
  ['STOP', 'complete'],
  ['MAX_TOKENS', 'complete'],
  ['SAFETY', 'blocked'],
  ['PROHIBITED_CONTENT', 'blocked'],
  ['RECITATION', 'blocked'],
  ['BLOCKLIST', 'blocked'],
  ['SPII', 'blocked'],
  ['LANGUAGE', 'blocked'],
  ['MODEL_ARMOR', 'blocked'],
  ['FINISH_REASON_UNSPECIFIED', 'retried'],
  ['OTHER', 'retried'],
  ['MALFORMED_FUNCTION_CALL', 'retried'],
  ['MALFORMED_RESPONSE', 'retried'],
  ['MISSING_THOUGHT_SIGNATURE', 'retried'],
  ['TOO_MANY_TOOL_CALLS', 'retried'],
  ['UNEXPECTED_TOOL_CALL', 'retried'],
  ['NO_IMAGE', 'retried'],
])

/** A reason that is not known yet is no reason to keep an answer: it is asked for again. */
export function verdictOf(finishReason: string): Verdict {
  const known = FINISH_REASONS.get(finishReason)
  if (known !== undefined) return known
  return finishReason.startsWith('IMAGE_') ? 'blocked' : 'retried'
}

/** What an HTTP status of the provider means, of an answer as well as of an `error` inside a stream. */
export function faultKindOf(status: number): FaultKind {
  switch (status) {
    case 401:
    case 403:
      return 'key'
    case 404:
    case 410:
      return 'model-gone'
    case 429:
      return 'rate-limited'
    case 408:
    case 409:
    case 425:
    case 499:
      return 'overloaded'
    default:
      return status >= 500 ? 'overloaded' : 'refused'
  }
}
