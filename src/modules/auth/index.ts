import { Elysia, t } from 'elysia'
import type { Auth } from '#src/plugins/auth.ts'
import { codeRequest, type Origins } from '#src/plugins/origin.ts'
import { answers, CodeSent, EmptyBody, problems, type User } from '#src/plugins/schemas.ts'
import {
  ChangePassword,
  ForgotPassword,
  LogIn,
  Refresh,
  ResetPassword,
  SendOtp,
  SignedUp,
  SignUp,
  Tokens,
} from './model.ts'
import type { Reproof } from './reproof.ts'
import type { Accounts } from './service.ts'
import type { Sessions } from './sessions.ts'

const answer = answers({ CodeSent, Tokens })
const detail = { tags: ['Auth'] }
const KEPT_ONCE_REPEATED =
  'is kept only where the first login proves it again, in `verify-otp`, or in `send-otp` with its `challengeId`'
const refusals = problems(400, 403, 413, 415, 422, 429)
const loginRefusals = problems(400, 401, 403, 413, 415, 422, 429)

export interface AuthRouteDeps {
  auth: Auth
  origins: Origins
  accounts: Accounts
  reproof: Pick<Reproof, 'changePassword'>
  sessions: Sessions
  /** @throws Problem where the user is gone */
  profile(userId: string): Promise<User>
}

export function createAuthRoutes(deps: AuthRouteDeps) {
  const { auth, origins, accounts, reproof, sessions, profile } = deps

  return new Elysia({ name: 'accounts', prefix: '/v1/auth' })
    .use(auth)
    .use(origins)
    .post(
      '/signup',
      ({ body, origin, set }) => {
        set.status = 202
        return accounts.signUp(body, origin)
      },
      {
        body: SignUp,
        response: { 202: SignedUp, ...refusals },
        detail: {
          ...detail,
          summary: 'Sign up; the first proven code makes the account usable',
          description: `A \`password\` ${KEPT_ONCE_REPEATED}: anybody can sign a number up, only its owner can log in.`,
        },
      },
    )
    .post(
      '/send-otp',
      ({ body, origin, request, set }) => {
        set.status = 202
        return accounts.sendOtp(body, codeRequest(request, origin))
      },
      {
        body: SendOtp,
        response: { 202: answer.CodeSent, ...refusals },
        detail: {
          ...detail,
          summary: 'Have a login code sent',
          description:
            'Always 202. A `password` given here is judged once the code is right: send `challengeId` with the code, or send both from the same network. `name` is ignored.',
        },
      },
    )
    .post(
      '/verify-otp',
      async ({ body, origin }) => {
        const { userId, ...tokens } = await accounts.logIn(body, origin)
        return { ...tokens, user: await profile(userId) }
      },
      {
        body: LogIn,
        response: { 200: answer.Tokens, ...loginRefusals },
        detail: {
          ...detail,
          summary: 'Log in with the code received',
          description: `Where the account has a password it is needed too, here or already with the request for the code. Send \`challengeId\` so that no other client can replace your code or use up all of its tries, and so that a password given to \`send-otp\` counts from any network. The password of a sign-up ${KEPT_ONCE_REPEATED}; \`user.hasPassword\` tells whether it was.`,
        },
      },
    )
    .post(
      '/refresh',
      async ({ body, origin }) => {
        const { userId, ...tokens } = await sessions.refresh(body.refreshToken, origin)
        return { ...tokens, user: await profile(userId) }
      },
      {
        body: Refresh,
        response: { 200: answer.Tokens, ...loginRefusals },
        detail: { ...detail, summary: 'Exchange the refresh token for the next pair' },
      },
    )
    .post(
      '/logout',
      async ({ principal, origin, set }) => {
        await sessions.end(principal, principal.sessionId, origin)
        set.status = 204
      },
      {
        authenticated: true,
        body: EmptyBody,
        response: {
          204: t.Void({ description: 'This session is over.' }),
          ...problems(400, 401, 413, 415, 422),
        },
        detail: { ...detail, summary: 'End this session' },
      },
    )
    .post(
      '/forgot-password',
      ({ body, origin, request, set }) => {
        set.status = 202
        return accounts.forgotPassword(body, codeRequest(request, origin))
      },
      {
        body: ForgotPassword,
        response: { 202: answer.CodeSent, ...refusals },
        detail: { ...detail, summary: 'Have a code sent to set a new password with' },
      },
    )
    .post(
      '/reset-password',
      async ({ body, origin, set }) => {
        await accounts.resetPassword(body, origin)
        set.status = 204
      },
      {
        body: ResetPassword,
        response: {
          204: t.Void({ description: 'The password is set and every session over.' }),
          ...loginRefusals,
        },
        detail: { ...detail, summary: 'Set a new password with the code received' },
      },
    )
    .post(
      '/change-password',
      async ({ principal, body, origin, set }) => {
        await reproof.changePassword(principal, body, origin)
        set.status = 204
      },
      {
        authenticated: true,
        body: ChangePassword,
        response: {
          204: t.Void({ description: 'The password is set and every other session over.' }),
          ...problems(400, 401, 403, 409, 413, 415, 422, 429),
        },
        detail: {
          ...detail,
          summary: 'Change the password',
          description:
            'Needs the old password or, where none is set, a code from forgot-password. Whichever is given must be right.',
        },
      },
    )
}
