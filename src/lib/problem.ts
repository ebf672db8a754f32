import { type ProblemSlug, problemCatalogue } from './problems/catalogue.ts'
import { STATUS_PHRASES } from './status.ts'

/** One fault of a request: a JSON pointer (RFC 6901) to the field, and what is allowed there. */
export interface FieldError {
  pointer: string
  detail: string
}

interface Extras {
  errors?: FieldError[]
  headers?: Record<string, string>
  [member: string]: unknown
}

/**
 * A refusal that the client may read: RFC 9457 problem details. Thrown by any layer; `detail` is shown
 * to people and must never hold the rejected value, another user's data or an internal message.
 */
export class Problem extends Error {
  readonly status: number
  readonly slug: string
  readonly headers: Record<string, string>
  readonly extras: Record<string, unknown>

  constructor(status: number, slug: string, detail: string, extras: Extras = {}) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.slug = slug
    const { headers = {}, ...members } = extras
    this.headers = headers
    this.extras = members
  }

  /** `instance` is the request id, so that a person can quote it and an operator find it. */
  /** Not named `toResponse`: Elysia would call it without the id where a hook of the request throws. */
  respond(instance: string): Response {
    return new Response(
      JSON.stringify({
        type: `/problems/${this.slug}`,
        title: STATUS_PHRASES[this.status] ?? 'Error',
        status: this.status,
        detail: this.message,
        instance,
        ...this.extras,
      }),
      {
        status: this.status,
        headers: { ...this.headers, 'content-type': 'application/problem+json' },
      },
    )
  }
}

/** The problem as the catalogue describes it. Give `detail` where the text depends on the request. */
export function problem(
  slug: ProblemSlug,
  { detail, ...extras }: Extras & { detail?: string } = {},
): Problem {
  const kind = problemCatalogue[slug]
  return new Problem(kind.status, slug, detail ?? kind.detail, extras)
}

/** The same answer for what does not exist and for what is another's. */
export function notFound(): Problem {
  return problem('not-found')
}

/** 422 with a pointer to each field. */
export function invalid(...errors: FieldError[]): Problem {
  return problem('validation', { errors })
}

/** Its cause goes to the log, never to the client. */
export function internal(): Problem {
  return problem('internal')
}
