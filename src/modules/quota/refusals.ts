import type { Clock } from '#src/lib/clock.ts'
import { Problem } from '#src/lib/problem.ts'
import { DAY, MINUTE, SECOND } from '#src/lib/time.ts'
import { tooMany } from '#src/modules/limits/limit.ts'
import type { Bounds, Quota, Usage } from './model.ts'

/** How soon a user whose prompts all wait may look again: a reply takes seconds. */
const PENDING_RETRY_SECONDS = 5
const DAY_SECONDS = DAY / SECOND

/** RateLimit header fields of draft-ietf-httpapi-ratelimit-headers. */
export type Policy = Record<string, string>

export function dailyHeaders({ limit, remaining }: Quota, seconds: number): Policy {
  if (limit === null) return {}
  return {
    'ratelimit-policy': `"daily";q=${limit};w=${DAY_SECONDS}`,
    ratelimit: `"daily";r=${remaining ?? 0};t=${seconds}`,
  }
}

/** Says which bound of a user was reached, and when there is room again. */
export function createRefusals({
  clock,
  headers,
  secondsLeft,
}: {
  clock: Clock
  headers(quota: Quota): Policy
  /** Of the day. */
  secondsLeft(): number
}) {
  function refuse(bound: keyof Bounds, bounds: Bounds, usage: Usage, quota: Quota): Problem {
    switch (bound) {
      case 'prompts':
        return new Problem(
          429,
          'quota-exhausted',
          `All ${bounds.prompts} prompts of today are used. More come at ${quota.resetsAt}.`,
          { quota, headers: { ...headers(quota), 'retry-after': String(secondsLeft()) } },
        )
      case 'starts':
        return new Problem(
          429,
          'starts-exhausted',
          `The model was called ${usage.starts} times for you today, failed calls included; ${bounds.starts} is the limit.`,
          {
            quota,
            headers: {
              ...joined(headers(quota), {
                'ratelimit-policy': `"starts";q=${bounds.starts};w=${DAY_SECONDS}`,
                ratelimit: `"starts";r=0;t=${secondsLeft()}`,
              }),
              'retry-after': String(secondsLeft()),
            },
          },
        )
      case 'storedBytes':
        return storage(bounds)
      case 'promptsPerMinute': {
        const limit = { name: 'prompts', most: bounds.promptsPerMinute, windowMs: MINUTE }
        return tooMany(limit, usage.minuteAt + MINUTE, clock.now())
      }
      case 'pending':
        return new Problem(
          429,
          'too-many-pending',
          `${usage.pending} of your prompts wait for their replies; ${bounds.pending} is the limit. Wait for a reply, or cancel one.`,
          {
            headers: {
              'ratelimit-policy': `"pending";q=${bounds.pending}`,
              ratelimit: `"pending";r=0;t=${PENDING_RETRY_SECONDS}`,
              'retry-after': String(PENDING_RETRY_SECONDS),
            },
          },
        )
    }
  }

  function storage({ storedBytes }: Bounds): Problem {
    return new Problem(
      409,
      'storage-full',
      `Your rooms may hold ${storedBytes} bytes of text. Delete rooms to make space.`,
    )
  }

  return Object.assign(refuse, { storage })
}

/** Both policies in one list each. */
function joined(one: Policy, other: Policy): Policy {
  const names = Object.keys(other)
  return Object.fromEntries(
    names.map((name) => [name, [one[name], other[name]].filter((part) => part).join(', ')]),
  )
}
