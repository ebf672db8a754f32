import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type Phone, parsePhone } from '#src/lib/phone.ts'
import { invalid, Problem } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import type { Sealer } from '#src/lib/seal.ts'
import { toInstant } from '#src/lib/time.ts'
import { readCode } from '#src/lib/typed-code.ts'
import type { CodeRequest, Origin } from '#src/plugins/origin.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import type { NewJob } from '#src/queue/job.ts'
import { openChallenge } from './challenge-commands.ts'
import { CODE_DIGITS, type Codes, type Purpose } from './codes.ts'
import type { Limits } from './limits.ts'
import { createTryCode, type Verdict } from './try-code.ts'

/** What the delivery of a code needs to know. */
export interface CodeToDeliver {
  challengeId: string
  sealedCode: string
  purpose: Purpose
  /** Of the text, as negotiated from Accept-Language. */
  language: string
  /** Keys of the limits to give back where no SMS is sent. */
  budget: string[]
}

export interface OtpDeps {
  database: Database
  codes: Codes
  sealer: Sealer
  limits: Limits
  clock: Clock
  random: Random
  /** ISO 3166: numbers without a country code are read as numbers of this country. */
  defaultCountry: string | undefined
  /** ISO 3166: where codes are sent to; all where it is empty. */
  countries: readonly string[]
  /** The job that delivers a code; undefined where the code is in the answer, as in development. */
  deliveryJob: ((code: CodeToDeliver) => NewJob) | undefined
  /** The language of an SMS for an Accept-Language header. */
  language(acceptLanguage: string | null): string
  meters: { otp(event: 'sent' | 'verified' | 'refused'): void }
}

/** What a code is sent for. */
export interface Recipient {
  phone: string
  purpose: Purpose
  /** Given where only a user who is logged in can ask for the code. */
  userId?: string
}

export interface GivenCode extends Recipient {
  code: string
  challengeId: string | undefined
  withPassword: boolean
}

export type Otp = ReturnType<typeof createOtp>

/** Sends one-time codes and verifies them. */
export function createOtp(deps: OtpDeps) {
  const { database, codes, sealer, limits, clock, random, countries, deliveryJob } = deps
  const tryCode = createTryCode(codes)
  const served = countries.map((country) => country.toUpperCase())

  function parse(text: string): Phone {
    const phone = parsePhone(text, deps.defaultCountry)
    if (!phone) {
      throw invalid({
        pointer: '/phone',
        detail: 'must be a phone number with its country code, such as +4930901820',
      })
    }
    return phone
  }

  return {
    /** E.164 of what was typed. @throws Problem 422 */
    phone: (text: string): string => parse(text).e164,
    /** The same, where codes are sent to its country. @throws Problem 422 */
    servedPhone(text: string): string {
      const { e164, country } = parse(text)
      if (served.length > 0 && !served.includes(country ?? '')) {
        throw invalid({ pointer: '/phone', detail: 'must be of a country this service sends to' })
      }
      return e164
    },
    /** @throws Problem 429 */
    async send(to: Recipient, request: CodeRequest): Promise<CodeSent> {
      const { phone, purpose } = to
      const { origin, trace, acceptLanguage } = request
      const now = clock.now()
      const id = random.id(now)
      const code = codes.make()
      const budget = limits.budget(origin)
      const job = deliveryJob?.({
        challengeId: id,
        sealedCode: sealer.seal(code, id),
        purpose,
        language: deps.language(acceptLanguage),
        budget: budget.map(({ key }) => key),
      })
      const { expiresAt, resendAt } = await database.run(openChallenge, {
        phone,
        purpose,
        id,
        requester: requesterOf(to, origin),
        home: to.userId === undefined ? limits.home(phone, origin.network) : null,
        codeHash: codes.digest({ purpose, phone, challengeId: id }, code),
        limits: limits.send(origin, phone),
        budget,
        wrongCodes: limits.wrongCodes(phone, to.userId),
        resend: limits.resend(phone, purpose),
        delivery: job && { ...job, ...(trace === undefined ? {} : { trace }) },
        now,
      })
      deps.meters.otp('sent')
      return {
        message: 'If this number can receive a code, it is on its way.',
        challengeId: id,
        expiresAt: toInstant(expiresAt),
        resendAt: toInstant(resendAt),
        ...(deliveryJob ? {} : { otp: code }),
      }
    },
    /** @throws Problem 422 where the code is not six digits, 429 where the number had too many wrong ones */
    async try(given: GivenCode, origin: Origin): Promise<Verdict> {
      const { phone, purpose, challengeId, withPassword } = given
      const verdict = await database.run(tryCode, {
        phone,
        purpose,
        code: given.code,
        challengeId,
        requester: requesterOf(given, origin),
        withPassword,
        limits: limits.request(origin),
        wrongCodes: limits.wrongCodes(phone, given.userId),
        home: limits.home(phone, origin.network),
        wrongPasswords: limits.wrongPassword(phone),
        origin,
        now: clock.now(),
      })
      if (verdict.is === 'wrong') deps.meters.otp('refused')
      else deps.meters.otp('verified')
      return verdict
    },
  }

  /** A code to delete an account is the user's, from whatever network; others belong to the network that asked. */
  function requesterOf({ userId }: Recipient, { network }: Origin): string {
    return limits.requester(userId === undefined ? network : `user ${userId}`)
  }
}

/** The six digits of a code, however they were typed. @throws Problem 422 */
export function codeOf(typed: string, pointer: string): string {
  const code = readCode(typed, CODE_DIGITS)
  if (code === undefined) throw invalid({ pointer, detail: 'must be six digits' })
  return code
}

/** The same for a wrong code, a used one, an old one and a number without an account. */
export function invalidOtp(): Problem {
  return new Problem(401, 'invalid-otp', 'This code is wrong or no longer valid.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** For a user who is logged in: a 401 would make clients refresh their token. */
export function wrongOtp(): Problem {
  return new Problem(403, 'wrong-otp', 'This code is wrong or no longer valid.')
}
