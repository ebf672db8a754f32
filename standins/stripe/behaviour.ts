import type { Params } from './form.ts'

/** A call of the API as the stand-in received it. */
export interface StripeCall {
  method: string
  path: string
  params: Params
  idempotencyKey: string | undefined
  apiVersion: string | undefined
}

/** What the API says when it refuses; `type` is invalid_request_error unless given. */
export interface StripeRefusal {
  status: number
  message: string
  code?: string
  param?: string
  type?: string
}

/** How one call is answered. */
export type StripeBehaviour =
  | { kind: 'answer' }
  /** An error answer such as 429, 500, 401, and nothing done. */
  | { kind: 'status'; status: number; retryAfter?: number }
  /** A refusal in the API's own form, and nothing done. */
  | ({ kind: 'error' } & StripeRefusal)
  /** Nothing done, and no answer is ever sent. */
  | { kind: 'hang' }
  /** All done, and the connection dropped before the answer. */
  | { kind: 'lose' }
  /** All done; the answer is made now, `made` is called, and it is sent when `until` resolves. */
  | { kind: 'late'; until: Promise<void>; made?: () => void }

/** A refusal in the API's own form. */
export class ApiError extends Error {
  readonly status: number
  readonly type: string
  readonly code: string | undefined
  readonly param: string | undefined
  constructor(
    status: number,
    message: string,
    {
      type = 'invalid_request_error',
      code,
      param,
    }: { type?: string; code?: string; param?: string } = {},
  ) {
    super(message)
    this.status = status
    this.type = type
    this.code = code
    this.param = param
  }

  toBody() {
    const { message, type, code, param } = this
    return { error: { message, type, ...(code && { code }), ...(param && { param }) } }
  }
}

/** Named in the path it is 404, in a parameter 400, as with the real API. */
export function missing(what: string, id: string, param?: string): ApiError {
  return new ApiError(param === undefined ? 404 : 400, `No such ${what}: '${id}'`, {
    code: 'resource_missing',
    param: param ?? 'id',
  })
}
