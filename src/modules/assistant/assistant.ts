/** A turn of the conversation as the model sees it. */
export interface Turn {
  role: 'user' | 'model'
  text: string
}

/** What a model is asked. */
export interface Question {
  system: string
  /** Oldest first, without the current prompt. */
  history: readonly Turn[]
  prompt: string
}

export interface AssistantRequest extends Question {
  /** Tried in order: the first, then its fallbacks. */
  models: readonly string[]
  /** Counts a further call for the user; no other model is called where it is false. */
  countCall(): Promise<boolean>
}

/** How a whole answer ended. */
export interface Ending {
  /** The model that answered, as the provider names it. */
  model: string
  /** `STOP`, or `MAX_TOKENS` for an answer cut at the model's limit or at ours. */
  finishReason: string
  usage: { promptTokens: number; replyTokens: number } | null
}

/** What a generator that is closed early is given to return; nothing reads it. */
export const NO_ENDING: Ending = { model: '', finishReason: '', usage: null }

/**
 * Where answers come from. Yields the text in well-formed pieces, none of them empty, and returns how it ended.
 * Throws an AssistantFault for every other end: the text of an answer that ended so is not whole and is not kept.
 */
export interface Assistant {
  stream(request: AssistantRequest, signal: AbortSignal): AsyncGenerator<string, Ending>
}

/** One call of one model; the same contract as {@link Assistant}. */
export type AskModel = (
  model: string,
  question: Question,
  signal: AbortSignal,
) => AsyncGenerator<string, Ending>

/**
 * - `rate-limited`: the model takes requests again after `retryAfterMs`; no error is counted
 * - `exhausted`: the quota of the model is used up, so waiting for it does not help this prompt
 * - `overloaded`, `model-gone`: another model may answer; otherwise tried again, or failed
 * - `broken`: no answer, half of one or an unreadable one; tried again
 * - `refused`: the provider will never take this request
 * - `key`: the provider does not accept the key; prompts wait until the operator has replaced it
 * - `blocked`: withheld by the provider; `reason` is the provider's word for why
 */
export type FaultKind =
  | 'rate-limited'
  | 'exhausted'
  | 'overloaded'
  | 'model-gone'
  | 'broken'
  | 'refused'
  | 'key'
  | 'blocked'

interface FaultDetails {
  reason?: string | undefined
  /** Milliseconds, bounded where it was read from the network. */
  retryAfterMs?: number | undefined
  /** The provider's name of the quota that was exceeded. */
  quotaId?: string | undefined
  /** No model was called: all of them are paused. */
  isUnasked?: boolean
}

export class AssistantFault extends Error {
  readonly kind: FaultKind
  readonly reason: string | undefined
  readonly retryAfterMs: number | undefined
  readonly quotaId: string | undefined
  readonly isUnasked: boolean

  constructor(kind: FaultKind, message: string, details: FaultDetails = {}) {
    super(message)
    this.name = 'AssistantFault'
    this.kind = kind
    this.reason = details.reason
    this.retryAfterMs = details.retryAfterMs
    this.quotaId = details.quotaId
    this.isUnasked = details.isUnasked ?? false
  }
}
