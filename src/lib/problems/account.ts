import type { ProblemKind } from './kind.ts'

const PROVES_A_CODE = /^POST \/v1\/auth\/(verify-otp|reset-password)$/
const PROVES_AGAIN = /^(POST \/v1\/auth\/change-password|DELETE \/v1\/user\/me)$/

/** The part of the catalogue that is about signing up, logging in and proving who one is. */
export const accountProblems = {
  busy: {
    status: 503,
    detail: 'Too many logins at once. Try again in a moment.',
    meaning: 'Checking a password is costly on purpose, and too many are waiting to be checked.',
    remedy: 'Send the same request again after the seconds in Retry-After.',
    on: /^(POST \/v1\/auth\/|DELETE \/v1\/user\/me$)/,
  },
  'invalid-credentials': {
    status: 401,
    detail: 'The phone number or the password is wrong.',
    meaning:
      'The code is right. The password sent with it, or with the request for it, is not that of this number, or the number has no password.',
    remedy: 'Check both; POST /v1/auth/forgot-password leads to a new password.',
    on: /^POST \/v1\/auth\/verify-otp$/,
  },
  'invalid-otp': {
    status: 401,
    detail: 'This code is wrong or no longer valid.',
    meaning:
      'A code is good for five minutes, five tries, one use and its own `challengeId`, and a later code for the same client replaces it.',
    remedy: 'Check the digits, or have another code sent.',
    on: PROVES_A_CODE,
  },
  'invalid-refresh-token': {
    status: 401,
    detail: 'This session is over. Log in again.',
    meaning:
      'The refresh token is unknown, its session has ended, or it was used before: then the whole session is ended, as somebody else may hold a copy.',
    remedy: 'Log in again. Keep only the last refresh token received, and use it once.',
    on: /^POST \/v1\/auth\/refresh$/,
  },
  'password-changed': {
    status: 409,
    detail: 'The password was changed by another request.',
    meaning: 'Two requests changed the password at once, and the other was faster.',
    remedy: 'Try again with the password that is set now.',
    on: /^POST \/v1\/auth\/change-password$/,
  },
  'password-required': {
    status: 401,
    detail: 'Send the password together with the code.',
    meaning: 'The code is right, and this account asks for its password as well.',
    remedy: 'Send the same code again with `password`; this spent no try.',
    on: /^POST \/v1\/auth\/verify-otp$/,
  },
  'too-many-requests': {
    status: 429,
    detail: 'Too many requests. Try again in 42 seconds.',
    meaning:
      'Codes, sign-ups and guesses are limited by number, by address and altogether, new rooms, exports and requests that ask Stripe by user; RateLimit-Policy names the limit met.',
    remedy: 'Wait for the seconds in Retry-After.',
    on: /^(POST \/v1\/(auth\/|chatroom$|subscribe\/pro$|subscription\/)|[A-Z]+ \/v1\/user\/me)/,
  },
  'wrong-otp': {
    status: 403,
    detail: 'This code is wrong or no longer valid.',
    meaning: 'The code given to prove that it is really you is not the one that was sent for this.',
    remedy: 'Check the digits, or have another code sent.',
    on: PROVES_AGAIN,
  },
  'wrong-password': {
    status: 403,
    detail: 'The password is wrong.',
    meaning: 'The password given to prove that it is really you is not the one that is set.',
    remedy: 'Check it; POST /v1/auth/forgot-password leads to a new one.',
    on: PROVES_AGAIN,
  },
} satisfies Record<string, ProblemKind>
