import type { ProblemKind } from './kind.ts'

const PROMPTS = /^POST \/v1\/chatroom\/:id\/message(\/:messageId\/regenerate)?$/
const WRITES_TEXT = /^(POST|PATCH) \/v1\/chatroom(\/:id(\/message)?)?$/

/** What a user may use up. */
export const usageProblems = {
  'quota-exhausted': {
    status: 429,
    detail: 'All 5 prompts of today are used. More come at 2026-11-23T00:00:00.000Z.',
    meaning: 'A Basic account sends a number of prompts a day, and today’s are used up.',
    remedy: 'Wait until the quota’s `resetsAt`, or become Pro with POST /v1/subscribe/pro.',
    on: PROMPTS,
    extras: { quota: { limit: 5, used: 5, remaining: 0, resetsAt: '2026-11-23T00:00:00.000Z' } },
  },
  'starts-exhausted': {
    status: 429,
    detail: 'The model was called 15 times for you today, failed calls included; 15 is the limit.',
    meaning:
      'Prompts that failed are refunded, but the calls they cost are not: there is a limit for them too.',
    remedy: 'Wait until the next day, after the seconds in Retry-After.',
    on: PROMPTS,
    extras: { quota: { limit: 5, used: 2, remaining: 3, resetsAt: '2026-11-23T00:00:00.000Z' } },
  },
  'storage-full': {
    status: 409,
    detail: 'Your rooms may hold 50000000 bytes of text. Delete rooms to make space.',
    meaning:
      'The prompts, replies, titles and system prompts of the account have reached its limit; `storage` of GET /v1/user/me shows both. No prompt was charged.',
    remedy: 'Delete rooms that are not needed any more: their text is freed at once.',
    on: WRITES_TEXT,
  },
  'too-many-pending': {
    status: 429,
    detail:
      '50 of your prompts wait for their replies; 50 is the limit. Wait for a reply, or cancel one.',
    meaning: 'Too many prompts of the account wait for their replies at once.',
    remedy: 'Wait until a reply is final, or cancel one, then send the prompt again.',
    on: PROMPTS,
  },
} satisfies Record<string, ProblemKind>
