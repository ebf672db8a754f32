import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import type { Guard } from './fault.ts'
import type { PlanList } from './model.ts'

/** A price is never changed at Stripe, only replaced; its product's name may be. */
const FRESH_MS = 10 * MINUTE
/** After a failure. Requests meanwhile get the last known price, or the failure. */
const PAUSE_MS = 30 * SECOND

/**
 * What is offered. It is the same for every user, so it is kept in memory for a while; during an outage the last known
 * price is shown. At most one call runs at a time.
 */
export function createPlans({
  stripe,
  guard,
  clock,
  priceId,
  basicDailyPrompts,
}: {
  stripe: Stripe
  guard: Guard
  clock: Clock
  priceId: string
  basicDailyPrompts: number
}) {
  let kept: PlanList | undefined
  let failed: unknown
  let askAgainAt = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined

  async function ask(): Promise<void> {
    let waitMs = FRESH_MS
    try {
      const price = await guard(() => stripe.prices.retrieve(priceId))
      kept = toPlans(price, basicDailyPrompts)
    } catch (error) {
      failed = error
      waitMs = PAUSE_MS
    }
    askAgainAt = clock.now() + waitMs
    running = undefined
  }

  return async (): Promise<PlanList> => {
    const now = clock.now()
    // A wait longer than the longest one was set by a clock that has since been set back.
    if (now >= askAgainAt || askAgainAt - now > FRESH_MS) {
      running ??= ask()
      await running
    }
    if (kept) return kept
    throw failed
  }
}

function toPlans(price: Stripe.Price, basicDailyPrompts: number): PlanList {
  return {
    items: [
      { tier: 'basic', dailyPrompts: basicDailyPrompts, price: null },
      {
        tier: 'pro',
        dailyPrompts: null,
        price: {
          id: price.id,
          amount: price.unit_amount,
          currency: price.currency,
          interval: price.recurring?.interval ?? null,
          intervalCount: price.recurring?.interval_count ?? null,
        },
      },
    ],
  }
}
