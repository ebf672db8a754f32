import { expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import { createContract } from './contract.ts'
import { createTestApp, json } from './test-app.ts'

test('an answer that keeps to the document has no faults', async () => {
  const { app, send, signIn } = createTestApp()
  const { check } = await createContract(app)
  const { token } = await signIn()
  const room = await send('POST', '/v1/chatroom', { token })
  await check('POST', '/v1/chatroom', room)
  const path = `/v1/chatroom/${(await json<Room>(room)).id}`
  for (const method of ['GET', 'DELETE', 'GET']) {
    await check(method, path, await send(method, path, { token }))
  }
  await check('GET', '/v1/nope', await send('GET', '/v1/nope'))
})

test('each way to break the document is told', async () => {
  const { app, send, signIn } = createTestApp()
  const { faultsOf } = await createContract(app)
  const room = await json<Room>(send('POST', '/v1/chatroom', await signIn()))
  const path = `/v1/chatroom/${room.id}`
  const answer = (body: unknown, init: ResponseInit = {}) =>
    faultsOf('GET', path, Response.json(body, { headers: { 'x-request-id': 'r' }, ...init }))
  expect(await answer(room)).toEqual([])
  const { title: _, ...untitled } = room
  expect(await answer(untitled)).toEqual([expect.stringContaining("required property 'title'")])
  expect(await answer({ ...room, secret: 1 })).toEqual([expect.stringContaining('secret')])
  expect(await answer({ ...room, messageCount: { user: 'x', assistant: 0 } })).toHaveLength(1)
  expect(await answer(room, { status: 418 })).toEqual(['418 is not declared'])
  expect(await answer(room, { headers: {} })).toEqual(['the header X-Request-Id is missing'])
  const page = new Response('<p>', {
    headers: { 'x-request-id': 'r', 'content-type': 'text/html' },
  })
  expect(await faultsOf('GET', path, page)).toEqual(['text/html is not one of application/json'])
  const bare = new Response('Not found', { status: 404 })
  expect(await faultsOf('GET', '/v1/nope', bare)).toEqual(['the refusal is not a problem'])
})
