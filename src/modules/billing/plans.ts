import type Stripe from 'stripe'
import type { Clock } from '#src/lib/clock.ts'
import { MINUTE } from '#src/lib/time.ts'
import { orUnavailable } from './fault.ts'
import type { PlanList } from './model.ts'

/** A price is never changed at Stripe, only replaced; its product's name may be. */
const FRESH_MS = 10 * MINUTE

/** What is offered. Kept in memory a while, as it is the same for everybody; an outage shows the last known. */
export function createPlans({
  stripe,
  clock,
  priceId,
  basicDailyPrompts,
}: {
  stripe: Stripe
  clock: Clock
  priceId: string
  basicDailyPrompts: number
}) {
  let kept: { plans: PlanList; at: number } | undefined

  return async (): Promise<PlanList> => {
    if (kept && clock.now() - kept.at < FRESH_MS) return kept.plans
    try {
      const price = await orUnavailable(() => stripe.prices.retrieve(priceId))
      kept = { plans: toPlans(price, basicDailyPrompts), at: clock.now() }
    } catch (error) {
      if (!kept) throw error
    }
    return kept.plans
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
