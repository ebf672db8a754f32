import { expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { silentLog } from '#src/lib/log.ts'
import { Problem } from '#src/lib/problem.ts'
import { createProblems } from '#src/plugins/problem.ts'

test('what a hook of the request throws bears its id too', async () => {
  const app = new Elysia()
    .use(createProblems({ log: silentLog, methodsOf: () => [] }))
    .onRequest(() => {
      throw new Problem(503, 'shutting-down', 'Not now.')
    })
    .post('/v1/chatroom/:id/message', () => 'never')
  const request = new Request('http://localhost/v1/chatroom/1/message', {
    method: 'POST',
    headers: { 'x-request-id': 'mine' },
  })
  const answer = await app.handle(request)
  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ type: '/problems/shutting-down', instance: 'mine' })
})
