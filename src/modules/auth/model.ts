import { type Static, t } from 'elysia'
import { ChallengeId, Code, Password, User, UserName } from '#src/plugins/schemas.ts'

const Phone = t.String({
  minLength: 3,
  maxLength: 80,
  description: 'A phone number with its country code; kept as E.164.',
  error: 'must be a phone number with its country code, such as +4930901820',
})
const NewPassword = t.String({
  minLength: 8,
  maxLength: 256,
  description: '8–128 characters; not a common one, and without your number or name.',
  error: 'must be 8 to 128 characters long',
})
const phone = '+4930901820'

export const SignUp = t.Object(
  { phone: Phone, name: t.Optional(UserName), password: t.Optional(NewPassword) },
  { additionalProperties: false, examples: [{ phone, name: 'Ada' }] },
)

export const SendOtp = t.Object(
  {
    phone: Phone,
    password: t.Optional(Password),
    // Clients of the prototype send it.
    name: t.Optional(t.String({ maxLength: 256, description: 'Ignored: see signup.' })),
  },
  { additionalProperties: false, examples: [{ phone }] },
)

export const LogIn = t.Object(
  {
    phone: Phone,
    otp: Code,
    challengeId: t.Optional(ChallengeId),
    password: t.Optional(Password),
  },
  {
    additionalProperties: false,
    examples: [{ phone, otp: '042137', challengeId: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13' }],
  },
)

export const Refresh = t.Object(
  {
    refreshToken: t.String({
      minLength: 1,
      maxLength: 100,
      description: 'The last one received; each is good for one use.',
      error: 'must be a refresh token',
    }),
  },
  { additionalProperties: false, examples: [{ refreshToken: 'q1…the-last-one-received' }] },
)

export const ForgotPassword = t.Object(
  { phone: Phone },
  { additionalProperties: false, examples: [{ phone }] },
)

export const ResetPassword = t.Object(
  { phone: Phone, otp: Code, challengeId: t.Optional(ChallengeId), newPassword: NewPassword },
  {
    additionalProperties: false,
    examples: [{ phone, otp: '042137', newPassword: 'wet-lantern-under-seven-oaks' }],
  },
)

export const ChangePassword = t.Object(
  {
    oldPassword: t.Optional(Password),
    newPassword: NewPassword,
    confNewPassword: t.Optional(
      t.String({
        maxLength: 256,
        description: 'newPassword once more, where the client asks for it twice.',
        error: 'must be the same as newPassword',
      }),
    ),
    passwordChangeOTP: t.Optional(Code),
    // Clients of the prototype send it.
    phone: t.Optional(Phone),
    challengeId: t.Optional(ChallengeId),
  },
  {
    additionalProperties: false,
    examples: [
      {
        oldPassword: 'seven-oaks-under-a-lantern',
        newPassword: 'wet-lantern-under-seven-oaks',
        confNewPassword: 'wet-lantern-under-seven-oaks',
      },
    ],
  },
)

export const SignedUp = t.Object(
  { message: t.String() },
  {
    description: 'The same whether the number is taken or not.',
    examples: [{ message: 'Ask for a code with POST /v1/auth/send-otp to prove the number.' }],
  },
)

export const Tokens = t.Object(
  {
    token: t.String({
      description: 'Access token, for `Authorization: Bearer`.',
      examples: ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJwb2xsdXgifQ.signature'],
    }),
    tokenType: t.Literal('Bearer', { examples: ['Bearer'] }),
    expiresIn: t.Number({ description: 'Seconds the access token lives.', examples: [1200] }),
    refreshToken: t.String({
      description: 'For POST /v1/auth/refresh; keep it secret.',
      examples: ['5k0nUq3mC7yXbW1rJtEoZ2vQ8sLdHfAa9gPiVxTjKcM'],
    }),
    refreshExpiresAt: t.String({
      format: 'date-time',
      examples: ['2026-12-22T16:03:00.000Z'],
    }),
    user: User,
  },
  { description: 'A session, open.' },
)

export const Session = t.Object(
  {
    id: t.String({ format: 'uuid' }),
    device: t.Nullable(t.String({ description: 'User-Agent of the login.' })),
    ip: t.Nullable(t.String({ description: 'Of the login or the last refresh.' })),
    createdAt: t.String({ format: 'date-time' }),
    lastUsedAt: t.String({ format: 'date-time', description: 'Of the login or the last refresh.' }),
    expiresAt: t.String({ format: 'date-time' }),
    current: t.Boolean({ description: 'Whether this request came with it.' }),
  },
  {
    description: 'One login on one device.',
    examples: [
      {
        id: '019a2c5e-7b1c-7cc3-9d5e-2f4b6a8c0e13',
        device: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0',
        ip: '203.0.113.7',
        createdAt: '2026-11-22T16:03:00.000Z',
        lastUsedAt: '2026-11-22T17:12:08.410Z',
        expiresAt: '2026-12-22T17:12:08.410Z',
        current: true,
      },
    ],
  },
)

export const SessionPage = t.Object({
  items: t.Array(Session),
  nextCursor: t.Nullable(t.String(), { examples: [null] }),
})

export type SignUp = Static<typeof SignUp>
export type SendOtp = Static<typeof SendOtp>
export type LogIn = Static<typeof LogIn>
export type ResetPassword = Static<typeof ResetPassword>
export type ChangePassword = Static<typeof ChangePassword>
export type Session = Static<typeof Session>
