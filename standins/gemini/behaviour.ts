/** A part of an answer: text, or a thought of a model that shows them. */
export type Piece = string | { text: string; thought: true }

/** What the stand-in puts into an error: google.rpc.RetryInfo, google.rpc.QuotaFailure. */
export interface Failure {
  status: number
  message?: string
  /** A duration such as `7s`. */
  retryDelay?: string
  /** Names of the quotas that are used up, such as `GenerateRequestsPerDayPerProjectPerModel-FreeTier`. */
  quotaIds?: string[]
}

/** What one call of the stand-in does. Every way the real API is known to end is here. */
export type Behaviour =
  | {
      kind: 'answer'
      /** The answer in pieces; made from the prompt when left out. An async iterable lets a test hold them back. */
      pieces?: Iterable<Piece> | AsyncIterable<Piece>
      pieceDelayMs?: number
      finishReason?: string
      usage?: { promptTokenCount: number; candidatesTokenCount: number }
      /** The version behind an alias such as `gemini-flash-lite-latest`. */
      modelVersion?: string
      modelStatus?: { modelStage: string; retirementTime?: string; message?: string }
    }
  /** An error answer such as 429 with RetryInfo (`retryDelay: '7s'`), 503, 400, 404. */
  | ({ kind: 'status'; headers?: Record<string, string>; body?: string } & Failure)
  /** Sends that many pieces, then the error as an object of the stream, which began with 200. */
  | ({ kind: 'error'; pieces?: number } & Failure)
  /** Sends that many pieces, then nothing more; without `pieces` not even headers. */
  | { kind: 'hang'; pieces?: number }
  /** Sends that many pieces, then drops the connection. */
  | { kind: 'cut'; pieces: number }
  /** Sends that many pieces, then ends the stream in good order, but with no finish reason. */
  | { kind: 'unfinished'; pieces: number }
  /** Refuses for safety: the prompt itself, or the answer after that many pieces. */
  | { kind: 'block'; reason: string; at: 'prompt' | 'answer'; pieces?: number }
  | { kind: 'empty' }
  | { kind: 'malformed' }
  /** Sends exactly this body, chunk by chunk, as a proxy in front of the API may. */
  | {
      kind: 'raw'
      chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>
      contentType?: string
    }

/** A call as the stand-in received it. */
export interface Call {
  model: string
  streamed: boolean
  apiKey: string
  system: string
  /** The conversation, oldest first; the last is the prompt. */
  contents: { role: string; text: string }[]
  prompt: string
  receivedAt: number
  /** Resolves when the caller closes the connection before the answer is over. */
  isLeft: Promise<void>
}

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
