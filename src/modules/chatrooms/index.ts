import { Elysia, t } from 'elysia'
import { DEFAULT_LIMIT } from '#src/lib/page.ts'
import { idempotencyKeyOf } from '#src/modules/idempotency/key.ts'
import { sendAnswer } from '#src/modules/idempotency/reply.ts'
import type { Auth } from '#src/plugins/auth.ts'
import { strictQuery } from '#src/plugins/query.ts'
import { answers, Cursor, EmptyBody, Limit, problems } from '#src/plugins/schemas.ts'
import { NewRoom, Room, RoomChange, RoomPage } from './model.ts'
import type { Rooms } from './service.ts'

const answer = answers({ Room, RoomPage })
const detail = { tags: ['Chatrooms'] }

export function createChatrooms({ auth, rooms }: { auth: Auth; rooms: Rooms }) {
  return new Elysia({ name: 'chatrooms', prefix: '/v1/chatroom' })
    .use(auth)
    .post(
      '',
      async ({ principal, body, request, set }) =>
        sendAnswer(set, await rooms.create(principal, body ?? {}, idempotencyKeyOf(request, body))),
      {
        authenticated: true,
        body: NewRoom,
        response: { 201: answer.Room, ...problems(400, 401, 409, 413, 415, 422, 429) },
        detail: { ...detail, summary: 'Open a chatroom' },
      },
    )
    .get(
      '',
      ({ principal, query }) =>
        rooms.list(principal.userId, {
          limit: Number(query.limit ?? DEFAULT_LIMIT),
          cursor: query.cursor,
          search: query.q,
        }),
      {
        authenticated: true,
        beforeHandle: strictQuery,
        query: t.Object({
          limit: Limit,
          cursor: Cursor,
          q: t.Optional(
            t.String({
              minLength: 1,
              maxLength: 200,
              description:
                'Only rooms whose title holds this text, whatever its case and accents. A page looks at 2 000 rooms and may then have fewer than `limit` while `nextCursor` is not null.',
              error: 'must be 1 to 200 characters',
            }),
          ),
        }),
        response: { 200: answer.RoomPage, ...problems(400, 401, 422) },
        detail: { ...detail, summary: 'List chatrooms, most recently active first' },
      },
    )
    .get('/:id', ({ principal, params }) => rooms.get(principal.userId, params.id), {
      authenticated: true,
      response: { 200: answer.Room, ...problems(401, 404) },
      detail: { ...detail, summary: 'One chatroom' },
    })
    .patch(
      '/:id',
      ({ principal, params, body }) => rooms.change(principal.userId, params.id, body),
      {
        authenticated: true,
        body: RoomChange,
        response: { 200: answer.Room, ...problems(400, 401, 404, 409, 413, 415, 422) },
        detail: { ...detail, summary: 'Change title, instruction or model' },
      },
    )
    .delete(
      '/:id',
      async ({ principal, params, set }) => {
        await rooms.remove(principal.userId, params.id)
        set.status = 204
      },
      {
        authenticated: true,
        body: EmptyBody,
        response: {
          204: t.Void({ description: 'Gone, with its messages.' }),
          ...problems(400, 401, 404, 413, 415, 422),
        },
        detail: { ...detail, summary: 'Delete a chatroom with its messages' },
      },
    )
}
