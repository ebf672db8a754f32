import { DAY, HOUR, MINUTE } from '#src/lib/time.ts'
import { type Limit, limitKey } from '#src/modules/limits/limit.ts'
import type { Origin } from '#src/plugins/origin.ts'
import type { Purpose } from './codes.ts'

export interface LimitSettings {
  /** Of all sign-up, login and reset requests. */
  perIpMinute: number
  codesPerIpHour: number
  codesPerNumberDay: number
  codesPerHour: number
}

/** Wrong codes of a number, or wrong passwords, before it has to wait. */
export const WRONG_A_DAY = 20

/** How long a network counts as the owner's after they proved their number from it. */
const HOME_MS = 90 * DAY

/** One network gets at most this part of the hourly budget, but always enough for one login with two resends. */
const BUDGET_SHARE = 10
const LEAST_SHARE = 3

/** The address ranges a request came from. */
export type Source = Pick<Origin, 'networks'>

/** Wrong codes of a number: those on challenges from the owner's own networks apart from all others. */
export interface WrongCodes {
  stranger: Limit
  home: Limit
}

export type Limits = ReturnType<typeof createLimits>

/** Every cap of the accounts; what is counted by number is counted alike for numbers that have no account. */
export function createLimits(settings: LimitSettings, secret: Uint8Array) {
  const limit = (name: string, subject: string, most: number, windowMs: number): Limit => ({
    name,
    key: limitKey(secret, name, subject),
    most,
    windowMs,
  })
  /** One limit for each range around the address, the wider ones with more room. */
  const perNetwork = (name: string, { networks }: Source, most: number, windowMs: number) =>
    networks.map((network) => {
      const bits = network.share === 1 ? '' : `-${network.name.split('/')[1]}`
      return limit(`${name}${bits}`, network.name, most * network.share, windowMs)
    })
  const request = (source: Source) => perNetwork('auth', source, settings.perIpMinute, MINUTE)
  const share = Math.max(LEAST_SHARE, Math.floor(settings.codesPerHour / BUDGET_SHARE))
  return {
    request,
    signUp: (source: Source) => [
      ...request(source),
      ...perNetwork('sign-ups', source, settings.codesPerIpHour, HOUR),
    ],
    send: (source: Source, phone: string) => [
      ...request(source),
      ...perNetwork('codes-ip', source, settings.codesPerIpHour, HOUR),
      limit('codes-number', phone, 5, 10 * MINUTE),
      limit('codes-number-day', phone, settings.codesPerNumberDay, DAY),
    ],
    /** Reserved with each code and given back where no SMS was sent. The share is that of the widest range. */
    budget: (source: Source) => [
      limit('codes-share', source.networks.at(-1)?.name ?? '', share, HOUR),
      limit('codes-all', '', settings.codesPerHour, HOUR),
    ],
    /**
     * Wrong codes are counted apart for challenges that were started from a network where the owner has proven the
     * number before, so no other network can use up those tries; and apart again for the codes that a user asks for
     * within a session, so a stolen token cannot stop the owner's next login.
     */
    wrongCodes: (phone: string, userId: string | undefined): WrongCodes => ({
      stranger: limit('wrong-codes', phone, WRONG_A_DAY, DAY),
      home: limit(
        'wrong-codes',
        userId === undefined ? `home ${phone}` : `user ${userId}`,
        WRONG_A_DAY,
        DAY,
      ),
    }),
    /** Not a limit by itself: remembers that the number was proven from this network. */
    home: (phone: string, network: string) => limit('home', `${phone} ${network}`, 1, HOME_MS),
    /** Wrong passwords that came with a right code. */
    wrongPassword: (phone: string) => limit('wrong-passwords', phone, WRONG_A_DAY, DAY),
    /** Wrong passwords given within a session, so that a stolen token cannot stop the owner's next login. */
    wrongPasswordOfUser: (userId: string) =>
      limit('wrong-passwords', `user ${userId}`, WRONG_A_DAY, DAY),
    /** Not a limit by itself: counts the codes asked for one after another. */
    resend: (phone: string, purpose: Purpose) => limit(`resend-${purpose}`, phone, 1, HOUR),
    export: (userId: string) => limit('exports', userId, 10, DAY),
    /** Keyed digest of who asks for a code: a network, or a user who is logged in. */
    requester: (subject: string) => limitKey(secret, 'requester', subject),
  }
}

/** How long to wait after the `sent`th code before the next: a minute, doubling to ten. */
export function resendDelayMs(sent: number): number {
  return Math.min(10 * MINUTE, MINUTE * 2 ** Math.max(0, sent - 1))
}
