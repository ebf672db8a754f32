import { rawGet } from '../support/raw-get.ts'
import type { Place } from './people.ts'
import { wordOf } from './text.ts'

/** One timed request of a hot route; gives what is wrong with its answer, if anything is. */
type Ask = (url: string, place: Place) => Promise<{ tookMs: number; fault: string | undefined }>

const COMMON_WORD = wordOf(0)

export const routes: Record<string, { label: string; ask: Ask }> = {
  me: {
    label: '`GET /v1/user/me`',
    ask: get(
      () => '/v1/user/me',
      ({ id }) => typeof id === 'string',
    ),
  },
  rooms: {
    label: '`GET /v1/chatroom`',
    ask: get(() => '/v1/chatroom', hasItems),
  },
  latest: {
    label: '`GET …/message` (latest)',
    ask: get(
      ({ roomId }) => `/v1/chatroom/${roomId}/message`,
      ({ reply }) => reply !== null,
    ),
  },
  page: {
    label: '`GET …/message/all` (page of 50)',
    ask: get(({ roomId }) => `/v1/chatroom/${roomId}/message/all?limit=50`, hasItems),
  },
  older: {
    label: 'the same, an older page by cursor',
    ask: askOlderPage,
  },
  seldom: {
    label: '`GET /v1/search`, a seldom word',
    ask: get(({ word }) => `/v1/search?q=${word}`, hasItems),
  },
  common: {
    label: '`GET /v1/search`, the commonest word',
    ask: get(() => `/v1/search?q=${COMMON_WORD}`, hasItems),
  },
  nowhere: {
    label: '`GET /v1/search`, two words that nobody wrote',
    ask: get(
      () => `/v1/search?q=${COMMON_WORD}+unheard`,
      ({ items }) => Array.isArray(items) && items.length === 0,
    ),
  },
  events: {
    label: '`GET …/events`, resumed behind the last exchange',
    ask: askEvents,
  },
  post: {
    label: '`POST …/message`, durable',
    ask: askPost,
  },
}

type Body = Record<string, unknown>

function hasItems({ items }: Body): boolean {
  return Array.isArray(items) && items.length > 0
}

function get(pathOf: (place: Place) => string, isRight: (body: Body) => boolean): Ask {
  return async (url, place) => {
    const path = pathOf(place)
    const { status, body, tookMs } = await timed(url + path, { headers: headersOf(place) })
    return { tookMs, fault: status === 200 && isRight(body) ? undefined : `${status} of ${path}` }
  }
}

async function askOlderPage(url: string, place: Place) {
  const path = `${url}/v1/chatroom/${place.roomId}/message/all?order=desc&limit=`
  // Another room may have no older page: of the shortest the second message is one.
  const first = await timed(`${path}1`, { headers: headersOf(place) })
  const older = `${path}50&cursor=${first.body['nextCursor']}`
  const { status, body, tookMs } = await timed(older, { headers: headersOf(place) })
  return { tookMs, fault: status === 200 && hasItems(body) ? undefined : `${status} of a page` }
}

async function askPost(url: string, place: Place) {
  const path = `/v1/chatroom/${place.roomId}/message`
  const { status, body, tookMs } = await timed(url + path, {
    method: 'POST',
    headers: { ...headersOf(place), 'content-type': 'application/json' },
    body: '{"userPrompt":"«1» What should I pack for Bergen in November?"}',
  })
  const isRight = status === 202 && body['reply'] !== undefined
  return { tookMs, fault: isRight ? undefined : `${status} of ${path}` }
}

async function askEvents(url: string, place: Place) {
  const told = Promise.withResolvers<void>()
  const startedAt = performance.now()
  let text = ''
  const headers = { ...headersOf(place), 'last-event-id': place.lastEventId }
  const stream = await rawGet(`${url}/v1/chatroom/${place.roomId}/events`, headers, (more) => {
    text += more
    if (text.includes('event: done')) told.resolve()
  })
  const status = await stream.status
  if (status === 200) await Promise.race([told.promise, Bun.sleep(5_000)])
  const tookMs = performance.now() - startedAt
  stream.close()
  return { tookMs, fault: text.includes('event: done') ? undefined : `${status} of events` }
}

function headersOf({ token }: Place) {
  return { authorization: `Bearer ${token}` }
}

async function timed(url: string, init: RequestInit) {
  const startedAt = performance.now()
  const answer = await fetch(url, init)
  const text = await answer.text()
  const tookMs = performance.now() - startedAt
  // Whatever it is, its fields are looked at before they are believed.
  return { status: answer.status, body: JSON.parse(text) as Body, tookMs }
}
