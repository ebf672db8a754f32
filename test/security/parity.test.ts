import { expect, test } from 'bun:test'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { createAccountApp, NOBODYS, PHONE } from '#test/support/test-accounts.ts'
import { json } from '#test/support/test-app.ts'

test('known and unknown numbers get the same status, headers and body shape everywhere', async () => {
  const { post, send } = createAccountApp({ otpPerNumberDay: 1_000 })
  await post('signup', { phone: PHONE })
  await post('send-otp', { phone: PHONE })
  await post('signup', { phone: '+4930901829', password: 'seven oaks under a lantern' })
  const shape = async (answer: Response) => ({
    status: answer.status,
    headers: [...answer.headers].filter(([name]) => name !== 'x-request-id'),
    body: Object.keys(await json<object>(answer)),
  })
  const newPassword = 'seven oaks under a lantern'
  const requests: [path: string, body: object][] = [
    ['signup', {}],
    ['signup', { password: newPassword }],
    ['forgot-password', {}],
    ['forgot-password', {}],
    ['send-otp', { password: 'not the right one' }],
    ['verify-otp', { otp: '000000' }],
    ['reset-password', { otp: '000000', newPassword }],
  ]
  for (const [path, body] of requests) {
    const known = await shape(await post(path, { phone: PHONE, ...body }))
    const unknown = await shape(await post(path, { phone: NOBODYS, ...body }))
    expect([path, unknown]).toEqual([path, known])
  }
  expect((await send('GET', '/livez')).status).toBe(200)
})

test('what an answer tells of its times is the same for all', async () => {
  const { post } = createAccountApp()
  await post('signup', { phone: PHONE })
  const [known, unknown] = [
    await json<CodeSent>(post('send-otp', { phone: PHONE })),
    await json<CodeSent>(post('send-otp', { phone: NOBODYS })),
  ]
  expect({ ...known, otp: '' }).toEqual({ ...unknown, otp: '' })
})
