import { command } from '#src/database/steps.ts'
import { takeBack } from '#src/modules/limits/commands.ts'
import { beginDelivery, clearDelivery, findBegunDelivery } from './statements.ts'

interface Delivery {
  challengeId: string
  /** Keys of the limits that were reserved for the SMS. */
  budget: readonly string[]
}

/**
 * Marks that a code is about to be handed over, and gives its recipient. Undefined where there is nothing to send: the
 * challenge has ended, its number has no account, or an earlier attempt may have succeeded. Except in the last case the
 * reserved budget is given back.
 */
export const begin = command(
  'sms.begin',
  function* (tx, input: Delivery & { again: boolean; now: number }) {
    const { challengeId, again, now } = input
    const found = yield* tx.first(beginDelivery, { challengeId, now, again: again ? 1 : 0 })
    if (!found) yield* releaseUnsent.steps(tx, input)
    return found?.phone
  },
)

/** Gives back what was reserved for an SMS that was surely not sent. */
export const releaseUnsent = command(
  'sms.release-unsent',
  function* (tx, { challengeId, budget }: Delivery) {
    if (yield* tx.first(findBegunDelivery, { challengeId })) return
    for (const key of budget) yield* takeBack.steps(tx, { key })
  },
)

/** The code was surely not handed over. */
export const clear = command('sms.clear', function* (tx, input: { challengeId: string }) {
  yield* tx.run(clearDelivery, input)
})
