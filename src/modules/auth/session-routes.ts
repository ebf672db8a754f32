import { Elysia, t } from 'elysia'
import { DEFAULT_LIMIT } from '#src/lib/page.ts'
import type { Auth } from '#src/plugins/auth.ts'
import type { Origins } from '#src/plugins/origin.ts'
import { strictQuery } from '#src/plugins/query.ts'
import { answers, Cursor, EmptyBody, Limit, problems } from '#src/plugins/schemas.ts'
import { Session, SessionPage } from './model.ts'
import type { Sessions } from './sessions.ts'

const answer = answers({ Session, SessionPage })
const detail = { tags: ['Auth'] }

export function createSessionRoutes({
  auth,
  origins,
  sessions,
}: {
  auth: Auth
  origins: Origins
  sessions: Sessions
}) {
  return new Elysia({ name: 'sessions', prefix: '/v1/auth/sessions' })
    .use(auth)
    .use(origins)
    .get(
      '',
      ({ principal, query }) =>
        sessions.list(principal, {
          limit: Number(query.limit ?? DEFAULT_LIMIT),
          cursor: query.cursor,
        }),
      {
        authenticated: true,
        beforeHandle: strictQuery,
        query: t.Object({ limit: Limit, cursor: Cursor }),
        response: { 200: answer.SessionPage, ...problems(400, 401, 422) },
        detail: { ...detail, summary: 'Where this account is logged in, newest first' },
      },
    )
    .delete(
      '',
      async ({ principal, origin, set }) => {
        await sessions.endOthers(principal, origin)
        set.status = 204
      },
      {
        authenticated: true,
        body: EmptyBody,
        response: {
          204: t.Void({ description: 'Every other session is over.' }),
          ...problems(400, 401, 413, 415, 422),
        },
        detail: { ...detail, summary: 'End every session but this' },
      },
    )
    .delete(
      '/:id',
      async ({ principal, params, origin, set }) => {
        await sessions.end(principal, params.id, origin)
        set.status = 204
      },
      {
        authenticated: true,
        body: EmptyBody,
        response: {
          204: t.Void({ description: 'That session is over.' }),
          ...problems(400, 401, 404, 413, 415, 422),
        },
        detail: { ...detail, summary: 'End one session' },
      },
    )
}
