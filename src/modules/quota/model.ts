import { type Static, t } from 'elysia'

export const Quota = t.Object(
  {
    limit: t.Nullable(t.Integer({ description: 'Prompts a day; null: no limit (Pro).' })),
    used: t.Optional(t.Integer()),
    remaining: t.Optional(t.Integer()),
    resetsAt: t.Optional(t.String({ format: 'date-time' })),
  },
  {
    description: 'The daily prompts of a Basic user; for Pro only `limit: null`.',
    examples: [
      { limit: 5, used: 2, remaining: 3, resetsAt: '2026-11-23T00:00:00.000Z' },
      { limit: null },
    ],
  },
)

export type Quota = Static<typeof Quota>
export type Tier = 'basic' | 'pro'
