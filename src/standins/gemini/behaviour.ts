/** What one call of the stand-in does. Every way the real API is known to end is here. */
export type Behaviour =
  | {
      kind: 'answer'
      /** The answer in pieces; made from the prompt when left out. An async iterable lets a test hold them back. */
      pieces?: Iterable<string> | AsyncIterable<string>
      pieceDelayMs?: number
      finishReason?: string
      usage?: { promptTokenCount: number; candidatesTokenCount: number }
    }
  /** An error answer such as 429 with RetryInfo (`retryDelay: '7s'`), 503, 400, 404. */
  | { kind: 'status'; status: number; message?: string; retryDelay?: string }
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
}
