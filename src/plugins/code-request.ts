import type { Origin } from './origin.ts'
import { traceparent } from './trace.ts'

/** What a request for a one-time code brings besides its body. */
export interface CodeRequest {
  origin: Origin
  trace: string | undefined
  /** The Accept-Language header, for the language of the SMS. */
  acceptLanguage: string | null
}

export function codeRequest(request: Request, origin: Origin): CodeRequest {
  const acceptLanguage = request.headers.get('accept-language')
  return { origin, trace: traceparent(request), acceptLanguage }
}
