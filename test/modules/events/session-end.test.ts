import { describe, expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createAccountApp, PASSWORD, PHONE, type TokenAnswer } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'
import { follow } from '#test/support/test-stream.ts'

type App = ReturnType<typeof createAccountApp>

/** One person logged in twice, with a stream of the same quiet room in either session. */
async function setUp() {
  const app = createAccountApp()
  const ending = await app.logIn()
  const other = await app.logIn()
  const { id } = await json<Room>(app.send('POST', '/v1/chatroom', { token: ending.token }))
  const streams = {
    ending: await follow(app, ending.token, id),
    other: await follow(app, other.token, id),
  }
  for (const stream of [streams.ending, streams.other]) await stream.next()
  expect(app.services.eventHub.size).toBe(2)
  return { app, ending, other, streams }
}

interface Way {
  is: string
  end: (app: App, ending: TokenAnswer, other: TokenAnswer) => Promise<Response>
  answers: 202 | 204 | 401
  /** Streams that go on, being of another session. */
  left: 0 | 1
}

const ways: Way[] = [
  {
    is: 'a logout',
    end: (app, { token }) => app.post('logout', undefined, token),
    answers: 204,
    left: 1,
  },
  {
    is: 'DELETE /v1/auth/sessions/:id',
    async end(app, { token }, other) {
      const { items } = await json<{ items: { id: string; current: boolean }[] }>(
        app.send('GET', '/v1/auth/sessions', { token }),
      )
      const id = items.find(({ current }) => current)?.id
      return app.send('DELETE', `/v1/auth/sessions/${id}`, { token: other.token })
    },
    answers: 204,
    left: 1,
  },
  {
    is: 'DELETE /v1/auth/sessions in another one',
    end: (app, _, { token }) => app.send('DELETE', '/v1/auth/sessions', { token }),
    answers: 204,
    left: 1,
  },
  {
    is: 'a changed password',
    async end(app, _, { token }) {
      const passwordChangeOTP = await app.code({ phone: PHONE }, 'forgot-password')
      return app.post('change-password', { newPassword: PASSWORD, passwordChangeOTP }, token)
    },
    answers: 204,
    left: 1,
  },
  {
    is: 'a reset password',
    async end(app) {
      const otp = await app.code({ phone: PHONE }, 'forgot-password')
      return app.post('reset-password', { phone: PHONE, newPassword: PASSWORD, otp })
    },
    answers: 204,
    left: 0,
  },
  {
    is: 'a refresh token used again',
    async end(app, { refreshToken }) {
      await app.post('refresh', { refreshToken })
      await app.clock.advance(10 * SECOND + 1)
      return app.post('refresh', { refreshToken })
    },
    answers: 401,
    left: 1,
  },
  {
    is: 'the deletion of the account',
    async end(app, { token }) {
      const { otp } = await json<{ otp: string }>(
        app.send('POST', '/v1/user/me/deletion-code', { token }),
      )
      return app.send('DELETE', '/v1/user/me', { token, body: { otp } })
    },
    answers: 202,
    left: 0,
  },
]

describe('A stream ends at once, and no other, with', () => {
  for (const { is, end, answers, left } of ways) {
    test(is, async () => {
      const { app, ending, other, streams } = await setUp()
      expect((await end(app, ending, other)).status).toBe(answers)
      expect(await streams.ending.next()).toBeUndefined()
      for (let at = 0; at < 100 && app.services.eventHub.size > left; at++) await turns(1)
      expect(app.services.eventHub.size).toBe(left)
      await streams.other.leave()
    })
  }
})
