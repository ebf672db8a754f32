import { DAY, HOUR, MINUTE } from '#src/lib/time.ts'
import { type Limit, limitKey } from '#src/plugins/rate-limit.ts'
import type { Purpose } from './store.ts'

export interface LimitSettings {
  /** Of all sign-up, login and reset requests. */
  perIpMinute: number
  codesPerIpHour: number
  codesPerNumberDay: number
  codesPerHour: number
}

/** Wrong codes of a number, or wrong passwords, before it has to wait. */
const WRONG_A_DAY = 20

export type Limits = ReturnType<typeof createLimits>

/** Every cap of the accounts; what is counted by number is counted alike for numbers nobody has. */
export function createLimits(settings: LimitSettings, secret: Uint8Array) {
  const limit = (name: string, subject: string, most: number, windowMs: number): Limit => ({
    name,
    key: limitKey(secret, name, subject),
    most,
    windowMs,
  })
  const request = (network: string) => limit('auth', network, settings.perIpMinute, MINUTE)
  return {
    request,
    signUp: (network: string) => [
      request(network),
      limit('sign-ups', network, settings.codesPerIpHour, HOUR),
    ],
    send: (network: string, phone: string) => [
      request(network),
      limit('codes-ip', network, settings.codesPerIpHour, HOUR),
      limit('codes-number', phone, 5, 10 * MINUTE),
      limit('codes-number-day', phone, settings.codesPerNumberDay, DAY),
      limit('codes-all', '', settings.codesPerHour, HOUR),
    ],
    wrongCode: (phone: string) => limit('wrong-codes', phone, WRONG_A_DAY, DAY),
    wrongPassword: (phone: string) => limit('wrong-passwords', phone, WRONG_A_DAY, DAY),
    /** Not a limit by itself: counts the codes asked for one after another. */
    resend: (phone: string, purpose: Purpose) => limit(`resend-${purpose}`, phone, 1, HOUR),
    export: (userId: string) => limit('exports', userId, 10, DAY),
  }
}

/** How long to wait after the `sent`th code before the next: a minute, doubling to ten. */
export function resendDelayMs(sent: number): number {
  return Math.min(10 * MINUTE, MINUTE * 2 ** Math.max(0, sent - 1))
}
