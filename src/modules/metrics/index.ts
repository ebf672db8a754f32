import { timingSafeEqual } from 'node:crypto'
import { Elysia, t } from 'elysia'
import { unauthenticated } from '#src/plugins/auth.ts'
import type { Metrics } from '#src/plugins/metrics.ts'
import { problems } from '#src/plugins/schemas.ts'

/** GET /metrics for whoever shows the token; with none, on a port of its own, for whoever reaches it. */
export function createMetricsRoute({
  metrics,
  token,
}: {
  metrics: Metrics
  token: string | undefined
}) {
  return new Elysia({ name: 'metrics' }).get(
    '/metrics',
    async ({ request }) => {
      if (token !== undefined && !shows(request, token)) throw unauthenticated()
      return new Response(await metrics.text(), {
        headers: { 'content-type': metrics.contentType },
      })
    },
    {
      response: {
        200: t.String({
          description: 'Prometheus text format.',
          examples: ['# HELP pollux_jobs Jobs by state.\n# TYPE pollux_jobs gauge\n'],
        }),
        ...problems(401),
      },
      detail: {
        tags: ['Health'],
        summary: 'Metrics for Prometheus; needs METRICS_TOKEN',
        security: [{ metricsToken: [] }],
      },
    },
  )
}

function shows(request: Request, token: string): boolean {
  const given = /^Bearer +(.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
  return timingSafeEqual(digest(given), digest(token))
}

/** Of equal length, as timingSafeEqual asks. */
function digest(text: string): Uint8Array {
  return new Bun.CryptoHasher('sha256').update(text).digest()
}
