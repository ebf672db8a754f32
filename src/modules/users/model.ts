import { type Static, t } from 'elysia'
import { ChallengeId, Code, Password, UserName } from '#src/plugins/schemas.ts'

export const UserChange = t.Object(
  { name: t.Nullable(UserName) },
  { additionalProperties: false, examples: [{ name: 'Ada Lovelace' }] },
)

export const Removal = t.Object(
  {
    otp: t.Optional(Code),
    challengeId: t.Optional(ChallengeId),
    password: t.Optional(Password),
  },
  { additionalProperties: false, examples: [{ otp: '042137' }] },
)

export const Removed = t.Object(
  { message: t.String() },
  {
    description:
      'The account is gone; a subscription is cancelled at Stripe as soon as it answers.',
    examples: [{ message: 'Your account and everything in it is erased.' }],
  },
)

export const Export = t.String({
  contentMediaType: 'application/x-ndjson',
  description: 'One JSON object a line; `type` says what it is.',
  examples: [
    '{"type":"user","id":"019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13","phone":"+4930901820","name":"Ada"}\n{"type":"chatroom","id":"019a2c5e-8d21-7a11-8f00-5d2c7a9e4b10","title":"Trip to Bergen"}\n',
  ],
})

export type UserChange = Static<typeof UserChange>
export type Removal = Static<typeof Removal>
