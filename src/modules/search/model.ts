import { type Static, t } from 'elysia'

export const SearchHit = t.Object(
  {
    messageId: t.String({ format: 'uuid' }),
    chatroomId: t.String({ format: 'uuid' }),
    chatroomTitle: t.String(),
    role: t.Union([t.Literal('user'), t.Literal('assistant')]),
    snippet: t.String({ description: 'The part of the message where the words were found.' }),
    highlights: t.Array(t.Tuple([t.Integer(), t.Integer()]), {
      description:
        'From and to (exclusive) of each word or phrase found in the snippet, in UTF-16 code units.',
    }),
    createdAt: t.String({ format: 'date-time' }),
  },
  {
    description: 'A message in which every word was found.',
    examples: [
      {
        messageId: '019a2c5e-8d21-7a11-8f00-5d2c7a9e4b10',
        chatroomId: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13',
        chatroomTitle: 'Trip to Bergen',
        role: 'assistant',
        snippet: 'A rain jacket, above all.',
        highlights: [[2, 6]],
        createdAt: '2026-11-22T16:03:00.000Z',
      },
    ],
  },
)

export const SearchPage = t.Object(
  {
    items: t.Array(SearchHit),
    nextCursor: t.Nullable(t.String()),
  },
  {
    description:
      'A page of hits. It may have fewer than `limit`, even none, while `nextCursor` is not null: the search then goes on there.',
  },
)

export type SearchHit = Static<typeof SearchHit>
