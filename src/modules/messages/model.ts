import { type Static, t } from 'elysia'
import { Quota } from '#src/plugins/schemas.ts'

export const NewPrompt = t.Object(
  {
    userPrompt: t.String({
      minLength: 1,
      maxLength: 32_000,
      pattern: '\\S',
      description: 'What the user says; 1–32 000 characters, not only blanks.',
      error: 'must be 1 to 32000 characters, not only blanks',
    }),
  },
  { additionalProperties: false, examples: [{ userPrompt: 'What should I pack for Bergen?' }] },
)

const status = t.Union(
  // Written out: from a mapped array Elysia infers `never`.
  [
    t.Literal('queued'),
    t.Literal('streaming'),
    t.Literal('complete'),
    t.Literal('failed'),
    t.Literal('blocked'),
    t.Literal('cancelled'),
  ],
  {
    description:
      'queued → streaming → complete, or ends failed, blocked or cancelled. Final states never change.',
  },
)

const prompt = {
  id: '019a2c5e-8d20-7f42-9b1e-6e3d8b0f5c21',
  chatroomId: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13',
  role: 'user',
  content: 'What should I pack for Bergen?',
  status: 'complete',
  replyTo: null,
  version: 1,
  createdAt: '2026-11-22T16:03:00.000Z',
  completedAt: '2026-11-22T16:03:00.000Z',
}

const queued = {
  ...prompt,
  id: '019a2c5e-8d21-7a11-8f00-5d2c7a9e4b10',
  role: 'assistant',
  content: '',
  status: 'queued',
  replyTo: prompt.id,
  completedAt: null,
}

const reply = {
  ...queued,
  content: 'A rain jacket, above all.',
  status: 'complete',
  model: 'gemini-2.5-flash-lite',
  finishReason: 'STOP',
  usage: { promptTokens: 12, replyTokens: 7 },
  contextMessages: 0,
  completedAt: '2026-11-22T16:03:00.812Z',
}

export const Message = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    chatroomId: t.String({ format: 'uuid' }),
    role: t.Union([t.Literal('user'), t.Literal('assistant')]),
    content: t.String({ description: 'The text; of a streaming reply, what is there so far.' }),
    status,
    replyTo: t.Nullable(t.String({ format: 'uuid', description: 'The prompt a reply answers.' })),
    version: t.Integer({ description: 'Rises with each regenerated reply to the same prompt.' }),
    error: t.Optional(
      t.Object(
        { code: t.String(), message: t.String() },
        { description: 'Why there is no answer; safe to show a person.' },
      ),
    ),
    model: t.Optional(t.String()),
    finishReason: t.Optional(
      t.String({
        description:
          'STOP; MAX_TOKENS for an answer cut at the model’s limit or at 1 MB; of a blocked reply the provider’s reason.',
      }),
    ),
    usage: t.Optional(t.Object({ promptTokens: t.Integer(), replyTokens: t.Integer() })),
    contextMessages: t.Optional(
      t.Integer({ description: 'How many earlier messages the model saw.' }),
    ),
    createdAt: t.String({ format: 'date-time' }),
    completedAt: t.Nullable(t.String({ format: 'date-time' })),
  },
  {
    description: 'A prompt or a reply.',
    examples: [reply],
  },
)

export const Accepted = t.Object(
  { prompt: Message, reply: Message, quota: Quota },
  {
    description: 'The prompt as stored, its reply to come, and what is left of today.',
    examples: [
      {
        prompt,
        reply: queued,
        quota: { limit: 5, used: 1, remaining: 4, resetsAt: '2026-11-23T00:00:00.000Z' },
      },
    ],
  },
)

export const Exchange = t.Object(
  { prompt: t.Nullable(Message), reply: t.Nullable(Message) },
  {
    description:
      'The latest prompt and the latest version of its reply; nulls while the room is empty.',
    examples: [{ prompt, reply }],
  },
)

export const MessagePage = t.Object(
  { items: t.Array(Message), nextCursor: t.Nullable(t.String()) },
  { description: 'A page of messages.', examples: [{ items: [prompt, reply], nextCursor: null }] },
)

export type Message = Static<typeof Message>
export type Accepted = Static<typeof Accepted>
export type Exchange = Static<typeof Exchange>
