import { Elysia } from 'elysia'
import type { Auth } from '#src/plugins/auth.ts'
import { problems, User } from '#src/plugins/schemas.ts'
import { UserChange } from './model.ts'
import type { Users } from './service.ts'

const detail = { tags: ['User'] }

export function createUserRoutes({ auth, users }: { auth: Auth; users: Users }) {
  return new Elysia({ name: 'users', prefix: '/v1/user' })
    .use(auth)
    .model({ User })
    .get('/me', ({ principal }) => users.read(principal.userId), {
      authenticated: true,
      response: { 200: 'User', ...problems(401) },
      detail: { ...detail, summary: 'Yourself, with today’s quota' },
    })
    .patch('/me', ({ principal, body }) => users.change(principal.userId, body), {
      authenticated: true,
      body: UserChange,
      response: { 200: 'User', ...problems(400, 401, 413, 415, 422) },
      detail: { ...detail, summary: 'Change your name' },
    })
}
