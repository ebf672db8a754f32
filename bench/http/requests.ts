import type { World } from '../support/world.ts'
import type { Expected, WrkRequest } from './wrk.ts'

/** The hot routes, asked by many people in turn. */
export function createRequests(world: Pick<World, 'users'>): Record<string, WrkRequest[]> {
  const each = (make: (user: World['users'][number], room: string) => WrkRequest) =>
    world.users.flatMap((user) => user.rooms.map((room) => make(user, room)))
  const posts = (key?: 'uuidv7' | 'random') =>
    each(({ token }, room) => ({
      method: 'POST',
      path: `/v1/chatroom/${room}/message`,
      token,
      body: '{"userPrompt":"What should I pack for Bergen in November?"}',
      ...(key && { key }),
    }))
  return {
    post: posts('uuidv7'),
    postRandom: posts('random'),
    postKeyless: posts(),
    me: each(({ token }) => ({ method: 'GET', path: '/v1/user/me', token })),
    rooms: each(({ token }) => ({ method: 'GET', path: '/v1/chatroom', token })),
    latest: each(({ token }, room) => ({
      method: 'GET',
      path: `/v1/chatroom/${room}/message`,
      token,
    })),
    page: each(({ token }, room) => ({
      method: 'GET',
      path: `/v1/chatroom/${room}/message/all?limit=50`,
      token,
    })),
    search: each(({ token }) => ({ method: 'GET', path: '/v1/search?q=rain+jacket', token })),
    live: [{ method: 'GET', path: '/livez' }],
  }
}

/** What each contender's answers must hold. */
export const EXPECTED = {
  live: { text: '"status":"', times: 1 },
  me: { text: '"phone":"', times: 1 },
  rooms: { text: 'Trip to Bergen', times: 4 },
  latest: { text: '"finishReason":"STOP"', times: 1 },
  // A page may be short, because a search reads no more than its share of texts.
  search: { text: '"nextCursor":"', times: 1 },
  page: { text: '"finishReason":"STOP"', times: 25 },
  post: { text: '"prompt":{"id":"', times: 1 },
  postRandom: { text: '"prompt":{"id":"', times: 1 },
  postKeyless: { text: '"prompt":{"id":"', times: 1 },
} satisfies Record<string, Expected>
