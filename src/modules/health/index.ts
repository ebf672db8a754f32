import { Elysia, t } from 'elysia'
import { problem } from '#src/lib/problem.ts'
import { problems } from '#src/plugins/schemas.ts'

const Health = t.Object({ status: t.Literal('ok') })

/** `check` names what is not ready, or nothing when all is. */
export function createHealth({ check }: { check: () => string[] | Promise<string[]> }) {
  return new Elysia({ name: 'health' })
    .get('/livez', () => ({ status: 'ok' as const }), {
      response: { 200: Health },
      detail: { tags: ['Health'], summary: 'The process is up' },
    })
    .get(
      '/readyz',
      async () => {
        const faults = await check()
        if (faults.length > 0) {
          throw problem('not-ready', { detail: faults.join(' '), headers: { 'retry-after': '5' } })
        }
        return { status: 'ok' as const }
      },
      {
        response: { 200: Health, ...problems() },
        detail: {
          tags: ['Health'],
          summary: 'Database writable, migrations applied, worker alive',
        },
      },
    )
}
