import { expect, test } from 'bun:test'
import { storedText } from '#src/modules/events/frames.ts'
import { createReader, type ReaderSource } from '#src/modules/events/reader.ts'
import type { LiveReply } from '#src/modules/messages/live.ts'
import type { PlacedMessage } from '#src/modules/messages/queries.ts'

const ROOM = '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13'

function failed(id: string, position: number, finalRevision: number): PlacedMessage {
  const message: PlacedMessage['message'] = {
    id,
    chatroomId: ROOM,
    role: 'assistant',
    content: '',
    status: 'failed',
    replyTo: 'prompt',
    version: 1,
    error: { code: 'interrupted', message: 'x' },
    createdAt: '2026-11-22T12:00:00.000Z',
    completedAt: '2026-11-22T12:00:01.000Z',
  }
  return { message, position, finalRevision, attempt: 1 }
}

test('an end without a notification is sent before the text of the next reply', async () => {
  let live: LiveReply | undefined = {
    replyId: 'first',
    position: 2,
    attempt: 1,
    ...storedText('Half'),
  }
  let finished: PlacedMessage[] = []
  const source: ReaderSource = {
    roomId: ROOM,
    changes: async () => {
      const revision = finished.length > 0 ? 5 : 4
      return { revision, until: revision, added: [], finished }
    },
    live: () => live,
    ended: () => {},
    quota: async () => ({ limit: null }),
  }
  const start = { revision: 4, position: 0, attempt: 0, offset: 0, quota: 'pro' }
  const reader = createReader(source, start)
  const events = (frames = '') => frames.match(/^event: \w+$/gm)?.map((line) => line.slice(7))
  expect(events(await reader.next())).toEqual(['delta'])

  // Another process ends the first; this one hears nothing, claims the second and streams it.
  finished = [failed('first', 2, 5)]
  live = { replyId: 'second', position: 4, attempt: 1, ...storedText('Next') }
  const told = (await reader.next()) ?? ''
  expect(events(told)).toEqual(['reset', 'done'])
  expect(told).toContain('"messageId":"first"')
  finished = []
  const then = (await reader.next()) ?? ''
  expect(events(then)).toEqual(['delta'])
  expect(then).toContain('"messageId":"second"')
})

function complete(
  id: string,
  position: number,
  finalRevision: number,
  content: string,
): PlacedMessage {
  const { error: _, ...message } = failed(id, position, finalRevision).message
  return {
    message: { ...message, status: 'complete', content },
    position,
    finalRevision,
    attempt: 1,
  }
}

/** A room in which another process ended the first reply, and this one makes the second. */
function takenOver() {
  const state = {
    live: { replyId: 'second', position: 4, attempt: 1, ...storedText('Ne') } as
      | LiveReply
      | undefined,
    finished: [complete('first', 2, 5, 'One')],
  }
  const source: ReaderSource = {
    roomId: ROOM,
    changes: async (since) => ({
      revision: 5 + state.finished.length - 1,
      until: 5 + state.finished.length - 1,
      added: [],
      finished: state.finished.filter(({ finalRevision }) => (finalRevision ?? 0) > since),
    }),
    live: () => state.live,
    ended: () => {},
    quota: async () => ({ limit: null }),
  }
  const texts = (frames = '') =>
    [...frames.matchAll(/"messageId":"(\w+)".*?"offset":(\d+)/g)].map(([, id, at]) => `${id} ${at}`)
  return { state, source, texts }
}

/** Of what was said since the room's fourth revision. */
const NOTHING_SENT = { revision: 4, position: 0, attempt: 0, offset: 0, quota: 'pro' }

test('the end of a reply of which no text was sent comes before the text of the next reply, which is sent once', async () => {
  const { state, source, texts } = takenOver()
  const reader = createReader(source, NOTHING_SENT)
  const ends = state.finished.splice(0)
  // Nothing is stored, as far as this reader was told.
  state.live = undefined
  await reader.next()
  state.live = { replyId: 'second', position: 4, attempt: 1, ...storedText('Ne') }
  state.finished.push(...ends)
  const told = [await reader.next(), await reader.next()].map(texts)
  expect(told).toEqual([['first 0'], ['second 0']])
  reader.markStored()
  state.live = { replyId: 'second', position: 4, attempt: 1, ...storedText('Next') }
  expect(texts(await reader.next())).toEqual(['second 2'])
})

test('what a process still streams of a reply it lost is not sent after the end of the reply', async () => {
  const { state, source, texts } = takenOver()
  const reader = createReader(source, NOTHING_SENT)
  expect(texts(await reader.next())).toEqual(['first 0'])
  for (const replyId of ['first', 'zeroth']) {
    state.live = {
      replyId,
      position: replyId === 'first' ? 2 : 1,
      attempt: 1,
      ...storedText('One more'),
    }
    expect(await reader.next()).toBe('')
  }
  state.live = { replyId: 'second', position: 4, attempt: 1, ...storedText('Ne') }
  expect(texts(await reader.next())).toEqual(['second 0'])
})

test('a change that is stored while the changes are read is read next', async () => {
  let reads = 0
  const source: ReaderSource = {
    roomId: ROOM,
    async changes() {
      if (reads++ === 0) reader.markStored()
      return { revision: 4, until: 4, added: [], finished: [] }
    },
    live: () => undefined,
    ended: () => {},
    quota: async () => ({ limit: null }),
  }
  const reader = createReader(source, NOTHING_SENT)
  for (let call = 0; call < 3; call++) expect(await reader.next()).toBe('')
  expect(reads).toBe(2)
})
