import { afterEach, expect, test } from 'bun:test'
import type { Notifications } from '#src/database/notifications.ts'
import { SECOND } from '#src/lib/time.ts'
import { turns } from '#test/support/fake-clock.ts'
import { follow, gatedChat } from '#test/support/test-stream.ts'

let open: Awaited<ReturnType<typeof gatedChat>> | undefined
afterEach(async () => {
  open?.gate.end()
  await open?.chat.stop()
  open = undefined
})

/** Counts who listens, from now on. */
function countListeners(notifications: Notifications): () => number {
  const { subscribe } = notifications
  let listening = 0
  notifications.subscribe = (topic, listener) => {
    const stop = subscribe(topic, listener)
    let isListening = true
    listening++
    return () => {
      if (isListening) listening--
      isListening = false
      stop()
    }
  }
  return () => listening
}

async function setUp() {
  open = await gatedChat()
  return { ...open, listening: countListeners(open.chat.database.notifications) }
}

test.each([
  ['its client leaves', async ({ stream }) => void (await stream.leave())],
  [
    'its room is deleted',
    async ({ chat, token, roomId }) =>
      void (await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })),
  ],
  [
    'its session ends',
    async ({ chat, token }) => void (await chat.send('POST', '/v1/auth/logout', { token })),
  ],
  ['the server stops', async ({ chat }) => chat.services.eventHub.close()],
  ['its client stops reading', ({ chat }) => chat.clock.advance(60 * SECOND)],
] satisfies [
  string,
  (
    one: Awaited<ReturnType<typeof setUp>> & { stream: Awaited<ReturnType<typeof follow>> },
  ) => Promise<void>,
][])('a stream leaves no listener and no timer behind when %s', async (name, end) => {
  const here = await setUp()
  const { chat, token, roomId, listening } = here
  const timers = chat.clock.timers().length
  const isUnread = name.includes('stops reading')
  const stream = isUnread
    ? { leave: async () => {}, next: async () => undefined, until: async () => [] }
    : await follow(chat, token, roomId)
  if (isUnread) {
    await chat.app.handle(
      new Request(`http://localhost/v1/chatroom/${roomId}/events`, {
        headers: { authorization: `Bearer ${token}` },
      }),
    )
  } else await stream.next()
  expect(listening()).toBe(2)
  expect(chat.clock.timers().length).toBe(timers + 1)
  await end({ ...here, stream })
  while (await stream.next());
  await turns(2)
  expect(listening()).toBe(0)
  expect(chat.services.eventHub.size).toBe(0)
  expect(chat.clock.timers().length).toBe(timers)
})

async function setUpWait() {
  const here = await setUp()
  const { chat, token, roomId, listening } = here
  const { reply } = await chat.prompt(token, roomId, 'Hi')
  const timers = chat.clock.timers().length
  const gone = new AbortController()
  const answer = chat.app.handle(
    new Request(`http://localhost/v1/chatroom/${roomId}/message/${reply.id}?wait=25`, {
      headers: { authorization: `Bearer ${token}` },
      signal: gone.signal,
    }),
  )
  while (listening() === 0) await turns(1)
  return { ...here, timers, gone, answer }
}

test('a wait leaves no listener and no timer behind when its client has gone', async () => {
  const { chat, gone, answer, listening, timers } = await setUpWait()
  gone.abort()
  await answer
  expect([listening(), chat.clock.timers().length]).toEqual([0, timers])
})

test('a wait leaves no listener behind when its time is over', async () => {
  const { chat, answer, listening } = await setUpWait()
  await chat.clock.advance(26 * SECOND)
  expect((await answer).status).toBe(200)
  expect(listening()).toBe(0)
})

test('a wait leaves no listener behind when the reply comes', async () => {
  const { gate, answer, listening } = await setUpWait()
  gate.send('Hello')
  gate.end()
  expect((await answer).status).toBe(200)
  expect(listening()).toBe(0)
})

test('a reader that is behind now and then is not cut off: each time it catches up, the count starts anew', async () => {
  const { chat, token, roomId } = await setUp()
  const answer = await chat.app.handle(
    new Request(`http://localhost/v1/chatroom/${roomId}/events`, {
      headers: { authorization: `Bearer ${token}` },
    }),
  )
  const reader = answer.body?.getReader()
  /** Reads until the server has nothing more to say. */
  const catchUp = async () => {
    let waits = false
    while (!waits) {
      const next = reader?.read()
      waits = await Promise.race([next?.then(() => false), turns(3).then(() => true)]).then(Boolean)
      if (waits) pending = next
    }
  }
  let pending: Promise<unknown> | undefined
  for (let at = 0; at < 6; at++) {
    await catchUp()
    // One heartbeat is taken by the read that waits, one fills the queue, and one stays unread.
    await chat.clock.advance(45 * SECOND)
    await pending
    expect([at, chat.services.eventHub.size]).toEqual([at, 1])
  }
  // And one that does not catch up is.
  await chat.clock.advance(45 * SECOND)
  expect(chat.services.eventHub.size).toBe(0)
})
