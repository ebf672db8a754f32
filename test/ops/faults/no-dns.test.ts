import { expect, test } from 'bun:test'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { Accepted, Message } from '#src/modules/messages/model.ts'
import { createFaultyWorld, missing, readyz, until } from './chat.ts'

test('the provider’s name does not resolve: accepted, tried again, and answered when it does', async () => {
  const settings: Record<string, string> = {}
  await using world = await createFaultyWorld(settings)
  settings['GEMINI_BASE_URL'] = 'http://gemini.invalid'
  const server = await world.start()
  const token = await world.signIn()
  const room = await world.call<Room>('POST', '/v1/chatroom', { token, body: {} })
  const path = `/v1/chatroom/${room.body.id}/message`
  const { status, body } = await world.call<Accepted>('POST', path, {
    token,
    body: { userPrompt: 'hello' },
  })
  expect(status).toBe(202)
  const line = await server.line((text) => text.includes('job will be tried again'))
  expect(line).toContain('message.reply')
  // A provider that is away is no reason to take this server away too.
  expect((await readyz(world)).status).toBe(200)
  await server.stop('SIGTERM')

  settings['GEMINI_BASE_URL'] = world.gemini.url
  await world.start()
  const reply = await until(
    () => world.call<Message>('GET', `${path}/${body.reply.id}`, { token }),
    (answer) => answer.body.status === 'complete',
  )
  expect(reply.body.content).not.toBe('')
  expect(missing(world.path, [body.prompt.id, body.reply.id])).toEqual([])
}, 60_000)
