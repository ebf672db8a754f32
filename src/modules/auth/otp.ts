import type { Clock } from '#src/lib/clock.ts'
import { type Phone, parsePhone } from '#src/lib/phone.ts'
import { invalid, Problem } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import type { Sealer } from '#src/lib/seal.ts'
import { toInstant } from '#src/lib/time.ts'
import type { Origin } from '#src/plugins/origin.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import type { Codes } from './codes.ts'
import type { Limits } from './limits.ts'
import type { AccountStore, Purpose, Verdict } from './store.ts'

export interface OtpDeps {
  store: AccountStore
  codes: Codes
  sealer: Sealer
  limits: Limits
  clock: Clock
  random: Random
  /** ISO 3166: whose national form of a number is understood. */
  defaultCountry: string | undefined
  /** ISO 3166; empty: all. */
  countries: readonly string[]
  /** The mock of development: the code is in the answer. */
  inResponse: boolean
  meters: { otp(event: 'sent' | 'verified' | 'refused'): void }
}

export type Otp = ReturnType<typeof createOtp>

/** Sends codes and finds out whether a given one is right. */
export function createOtp(deps: OtpDeps) {
  const { store, codes, sealer, limits, clock, random, countries } = deps
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
    async send(
      to: { phone: string; purpose: Purpose; provenHash: string | null },
      request: { origin: Origin; trace: string | undefined },
    ): Promise<CodeSent> {
      const { phone, purpose } = to
      const { origin, trace } = request
      const now = clock.now()
      const id = random.id(now)
      const code = codes.make()
      const { expiresAt, resendAt } = await store.openChallenge({
        ...to,
        id,
        codeHash: codes.digest({ purpose, phone, challengeId: id }, code),
        sealedCode: sealer.seal(code, id),
        limits: limits.send(origin.network, phone),
        wrongCodes: limits.wrongCode(phone),
        resend: limits.resend(phone, purpose),
        trace,
        origin,
        now,
      })
      deps.meters.otp('sent')
      return {
        message: 'If this number can receive a code, it is on its way.',
        expiresAt: toInstant(expiresAt),
        resendAt: toInstant(resendAt),
        ...(deps.inResponse ? { otp: code } : {}),
      }
    },
    /** @throws Problem 429 where the number had too many wrong ones */
    async try(
      given: { phone: string; purpose: Purpose; code: string; withPassword: boolean },
      origin: Origin,
    ): Promise<Verdict> {
      const verdict = await store.tryCode({
        ...given,
        limits: [limits.request(origin.network)],
        wrongCodes: limits.wrongCode(given.phone),
        origin,
        now: clock.now(),
      })
      if (verdict.is === 'wrong') deps.meters.otp('refused')
      else deps.meters.otp('verified')
      return verdict
    },
  }
}

/** The same for a wrong code, a used one, an old one and a number nobody has. */
export function invalidOtp(): Problem {
  return new Problem(401, 'invalid-otp', 'This code is wrong or no longer valid.', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

/** To who is logged in already: a 401 would make clients refresh their token. */
export function wrongOtp(): Problem {
  return new Problem(403, 'wrong-otp', 'This code is wrong or no longer valid.')
}
