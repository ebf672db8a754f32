import { Elysia, t } from 'elysia'
import type { Auth } from '#src/plugins/auth.ts'
import { problems } from '#src/plugins/schemas.ts'
import type { Events } from './service.ts'

const description = `Server-Sent Events. Every event has an \`id\`; a client that reconnects with \`Last-Event-ID\` misses
nothing and sees nothing twice, also after a restart of the server.

- \`message\`: a message was added (the prompt, and its queued reply)
- \`delta\` \`{messageId, attempt, offset, text}\`: text appended at \`offset\` (UTF-16 code units)
- \`reset\` \`{messageId, attempt}\`: the reply starts again; drop its text
- \`done\`: the reply as it now stands, final
- \`quota\`: the quota as it now stands`

const Stream = t.String({
  contentMediaType: 'text/event-stream',
  description:
    'The events as they come; a comment line every 15 seconds keeps the connection open.',
  examples: [
    [
      'retry: 2000\n',
      'id: AAEC\nevent: delta\ndata: {"messageId":"019a2c5e-8d21-7a11-8f00-5d2c7a9e4b10","attempt":1,"offset":0,"text":"A rain jacket"}\n',
      ': still here\n\n',
    ].join('\n'),
  ],
})

export function createEventRoutes({ auth, events }: { auth: Auth; events: Events }) {
  return new Elysia({ name: 'events' }).use(auth).get(
    '/v1/chatroom/:id/events',
    async ({ principal, params, request }) => {
      const lastEventId = request.headers.get('last-event-id')
      return new Response(await events.subscribe(principal, params.id, lastEventId), {
        headers: {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-cache, no-transform',
          // nginx would hold the events back otherwise.
          'x-accel-buffering': 'no',
        },
      })
    },
    {
      authenticated: 'with-quota',
      headers: t.Object({
        'last-event-id': t.Optional(t.String({ description: '`id` of the last event seen.' })),
      }),
      response: {
        200: Stream,
        ...problems(401, 404),
      },
      detail: { tags: ['Messages'], summary: 'Follow a room live', description },
    },
  )
}
