/** A turn of the conversation as the model sees it. */
export interface Turn {
  role: 'user' | 'model'
  text: string
}

export interface AssistantRequest {
  /** Tried in order: the first, then its fallbacks. */
  models: readonly string[]
  system: string
  /** Oldest first, the current prompt not among them. */
  history: readonly Turn[]
  prompt: string
}

/** How a whole answer ended. */
export interface Ending {
  /** The model that answered. */
  model: string
  /** `STOP`, or `MAX_TOKENS` for an answer cut at the model's limit. */
  finishReason: string
  usage: { promptTokens: number; replyTokens: number } | null
}

/**
 * Where answers come from. Yields the text in pieces, none of them empty, and returns how it ended.
 * Throws an AssistantFault for every other end; a thrown answer was not whole and must not be kept as one.
 */
export interface Assistant {
  stream(request: AssistantRequest, signal: AbortSignal): AsyncGenerator<string, Ending>
}

/**
 * - `rate-limited`: everybody waits for `retryAfterMs`; counts no error
 * - `overloaded`, `model-gone`: another model may answer; else tried again, or failed
 * - `broken`: no, half or unreadable answer; tried again
 * - `refused`: the provider will never take this request
 * - `key`: the key is not valid; the operator must act
 * - `blocked`: refused for safety; `reason` is the provider's word for it
 */
export type FaultKind =
  | 'rate-limited'
  | 'overloaded'
  | 'model-gone'
  | 'broken'
  | 'refused'
  | 'key'
  | 'blocked'

export class AssistantFault extends Error {
  readonly kind: FaultKind
  readonly reason: string | undefined
  readonly retryAfterMs: number | undefined

  constructor(
    kind: FaultKind,
    message: string,
    details: { reason?: string; retryAfterMs?: number } = {},
  ) {
    super(message)
    this.name = 'AssistantFault'
    this.kind = kind
    this.reason = details.reason
    this.retryAfterMs = details.retryAfterMs
  }
}
