import { type Static, t } from 'elysia'
import { UserName } from '#src/plugins/schemas.ts'

export const UserChange = t.Object(
  { name: t.Nullable(UserName) },
  { additionalProperties: false, examples: [{ name: 'Ada Lovelace' }] },
)

export type UserChange = Static<typeof UserChange>
