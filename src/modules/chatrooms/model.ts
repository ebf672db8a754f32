import { type Static, t } from 'elysia'
import { PLAIN_LINE, PLAIN_TEXT } from '#src/lib/plain-text.ts'

export const RoomTitle = t.String({
  minLength: 1,
  maxLength: 200,
  pattern: PLAIN_LINE,
  description:
    'Shown in lists; 1–200 characters, at least one of them visible, no control or text direction characters.',
  error:
    'must be 1 to 200 characters, at least one of them visible, without control or text direction characters',
})
const SystemPrompt = t.String({
  minLength: 1,
  maxLength: 8_000,
  pattern: PLAIN_TEXT,
  description: 'Instruction to the model in this room, instead of the server’s default.',
  error: 'must be 1 to 8000 characters, without control characters but tabs and line breaks',
})
const Model = t.String({
  minLength: 1,
  maxLength: 100,
  description: 'One of the models this server offers.',
  error: 'must name one of the models this server offers',
})

export const NewRoom = t.Optional(
  t.Object(
    {
      title: t.Optional(RoomTitle),
      systemPrompt: t.Optional(SystemPrompt),
      model: t.Optional(Model),
    },
    { additionalProperties: false, examples: [{ title: 'Trip to Bergen' }] },
  ),
)

export const RoomChange = t.Object(
  {
    title: t.Optional(RoomTitle),
    systemPrompt: t.Optional(t.Nullable(SystemPrompt)),
    model: t.Optional(t.Nullable(Model)),
  },
  { additionalProperties: false, minProperties: 1, examples: [{ title: 'Trip to Norway' }] },
)

export const Room = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    title: t.String(),
    systemPrompt: t.Nullable(t.String()),
    model: t.Nullable(t.String({ description: 'null: the server’s default' })),
    messageCount: t.Object({ user: t.Integer(), assistant: t.Integer() }),
    lastMessageAt: t.Nullable(t.String({ format: 'date-time' })),
    pendingReply: t.Nullable(
      t.String({ format: 'uuid', description: 'The oldest reply that is not final.' }),
    ),
    createdAt: t.String({ format: 'date-time' }),
    updatedAt: t.String({ format: 'date-time' }),
  },
  {
    description: 'A chatroom.',
    examples: [
      {
        id: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13',
        title: 'Trip to Bergen',
        systemPrompt: null,
        model: null,
        messageCount: { user: 1, assistant: 1 },
        lastMessageAt: '2026-11-22T16:03:00.000Z',
        pendingReply: null,
        createdAt: '2026-11-22T16:02:41.120Z',
        updatedAt: '2026-11-22T16:02:41.120Z',
      },
    ],
  },
)

export const RoomPage = t.Object(
  { items: t.Array(Room), nextCursor: t.Nullable(t.String()) },
  { description: 'A page of chatrooms.' },
)

export type NewRoom = NonNullable<Static<typeof NewRoom>>
export type RoomChange = Static<typeof RoomChange>
export type Room = Static<typeof Room>
