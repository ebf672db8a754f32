import { problemCatalogue } from '#src/lib/problems/catalogue.ts'
import type { ProblemKind } from '#src/lib/problems/kind.ts'
import { STATUS_PHRASES } from '#src/lib/status.ts'
import { headersOf } from './headers.ts'
import type { ApiResponse, JsonSchema } from './types.ts'

const INSTANCE = '0c6a1f6e-6f0b-4a5c-9d1e-1f6f4f1f7b7a'

/** A refusal as this route gives it, with an example of each problem it may be. */
export function describeProblem(route: string, status: number, schema: JsonSchema): ApiResponse {
  const kinds = Object.entries(problemCatalogue).filter(
    ([, kind]) => kind.status === status && (kind.on?.test(route) ?? true),
  )
  // What any route may give comes first: the page shows the first and offers the others.
  kinds.sort(([, a], [, b]) => Number(a.on !== undefined) - Number(b.on !== undefined))
  const { description = 'A problem.', ...rest } = schema
  return {
    description,
    headers: headersOf(route, status),
    content: {
      'application/problem+json': {
        schema: rest,
        examples: Object.fromEntries(
          kinds.map(([slug, kind]) => [
            slug,
            { summary: kind.meaning, value: problemExample(slug, kind) },
          ]),
        ),
      },
    },
  }
}

/** A problem as a client would receive it. */
export function problemExample(slug: string, kind: ProblemKind): Record<string, unknown> {
  return {
    type: `/problems/${slug}`,
    title: STATUS_PHRASES[kind.status],
    status: kind.status,
    detail: kind.detail,
    instance: INSTANCE,
    ...kind.extras,
  }
}
