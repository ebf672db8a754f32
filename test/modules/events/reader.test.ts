import { expect, test } from 'bun:test'
import { storedText } from '#src/modules/events/frames.ts'
import { createReader, type ReaderSource } from '#src/modules/events/reader.ts'
import type { LiveReply } from '#src/modules/messages/live.ts'
import type { PlacedMessage } from '#src/modules/messages/store.ts'

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

test('an end that nobody told of is told before the text of the next reply', () => {
  let live: LiveReply | undefined = {
    replyId: 'first',
    position: 2,
    attempt: 1,
    ...storedText('Half'),
  }
  let finished: PlacedMessage[] = []
  const source: ReaderSource = {
    roomId: ROOM,
    changes: () => ({ revision: finished.length > 0 ? 5 : 4, added: [], finished }),
    live: () => live,
    ended: () => {},
    quota: () => ({ limit: null }),
  }
  const start = { revision: 4, position: 0, attempt: 0, offset: 0, quota: 'pro' }
  const reader = createReader(source, start)
  const events = (frames = '') => frames.match(/^event: \w+$/gm)?.map((line) => line.slice(7))
  expect(events(reader.next())).toEqual(['delta'])

  // Another process ends the first; this one hears nothing, claims the second and streams it.
  finished = [failed('first', 2, 5)]
  live = { replyId: 'second', position: 4, attempt: 1, ...storedText('Next') }
  const told = reader.next() ?? ''
  expect(events(told)).toEqual(['reset', 'done'])
  expect(told).toContain('"messageId":"first"')
  finished = []
  const then = reader.next() ?? ''
  expect(events(then)).toEqual(['delta'])
  expect(then).toContain('"messageId":"second"')
})
