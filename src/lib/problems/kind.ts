/** What a problem means, for the person who received it. */
export interface ProblemKind {
  status: number
  /** A detail as an answer gives it. */
  detail: string
  /** Why it happens. */
  meaning: string
  /** What to do about it. */
  remedy: string
  /** The routes that may give it, e.g. `POST /v1/chatroom`; without it, any that declares the status. */
  on?: RegExp
  /** Members besides RFC 9457's, as an example. */
  extras?: Record<string, unknown>
}
