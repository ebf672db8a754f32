import { Elysia } from 'elysia'
import type { IdempotentCall } from '#src/modules/idempotency/idempotent-call.ts'
import { answerOnce } from '#src/modules/idempotency/reply.ts'
import type { Auth, Principal } from '#src/plugins/auth.ts'
import { type CodeRequest, codeRequest, type Origins } from '#src/plugins/origin.ts'
import { answers, CodeSent, EmptyBody, problems, User } from '#src/plugins/schemas.ts'
import { Export, Removal, Removed, UserChange } from './model.ts'
import type { Users } from './service.ts'

const answer = answers({ User, CodeSent })
const detail = { tags: ['User'] }

export interface UserRouteDeps {
  auth: Auth
  origins: Origins
  users: Users
  sendDeletionCode(principal: Principal, request: CodeRequest): Promise<CodeSent>
  idempotently: IdempotentCall
}

export function createUserRoutes(deps: UserRouteDeps) {
  const { auth, origins, users, sendDeletionCode, idempotently } = deps
  // `origins` comes after GET, which is neither limited nor audited and so does not need it.
  return new Elysia({ name: 'users', prefix: '/v1/user/me' })
    .use(auth)
    .get('', ({ principal }) => users.read(principal.userId), {
      authenticated: true,
      response: { 200: answer.User, ...problems(401) },
      detail: { ...detail, summary: 'Yourself, with today’s quota' },
    })
    .use(origins)
    .patch('', ({ principal, body }) => users.change(principal.userId, body), {
      authenticated: true,
      body: UserChange,
      response: { 200: answer.User, ...problems(400, 401, 413, 415, 422) },
      detail: { ...detail, summary: 'Change your name' },
    })
    .post(
      '/deletion-code',
      (context) => {
        const { principal, origin, request } = context
        return answerOnce(idempotently, context, 202, () =>
          sendDeletionCode(principal, codeRequest(request, origin)),
        )
      },
      {
        authenticated: true,
        body: EmptyBody,
        response: { 202: answer.CodeSent, ...problems(400, 401, 409, 413, 415, 422, 429) },
        detail: { ...detail, summary: 'Have a code sent to delete your account with' },
      },
    )
    .delete(
      '',
      ({ principal, body, origin, set }) => {
        set.status = 202
        return users.remove(principal, body, origin)
      },
      {
        authenticated: true,
        body: Removal,
        response: { 202: Removed, ...problems(400, 401, 403, 413, 415, 422, 429) },
        detail: {
          ...detail,
          summary: 'Delete your account with everything in it',
          description:
            'Proven by a code of POST /v1/user/me/deletion-code or the password; whichever is given must be right. There is no way back.',
        },
      },
    )
    .get(
      '/export',
      async ({ principal, origin, request }) =>
        // A HEAD is not an export: it is neither counted nor audited.
        new Response(request.method === 'HEAD' ? null : await users.export(principal, origin), {
          headers: {
            'content-type': 'application/x-ndjson; charset=utf-8',
            'content-disposition': 'attachment; filename="pollux-export.ndjson"',
          },
        }),
      {
        authenticated: true,
        response: { 200: Export, ...problems(401, 429) },
        detail: { ...detail, summary: 'Everything held on you' },
      },
    )
}
