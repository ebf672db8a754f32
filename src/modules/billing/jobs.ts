import { type Static, t } from 'elysia'
import type Stripe from 'stripe'
import type { RaiseAlarm } from '#src/lib/alarm.ts'
import { HOUR, MINUTE, SECOND } from '#src/lib/time.ts'
import { effect, type Job, type JobKind, Snooze } from '#src/queue/job.ts'
import { bodyParser } from '#src/queue/job-body.ts'
import type { Queue } from '#src/queue/queue.ts'
import { applySync } from './apply-sync.ts'
import { CLOSE, RECONCILE, SYNC } from './commands.ts'
import type { BillingRules } from './entitlement.ts'
import { faultOf, raiseSetupAlarm, retryAfterMs } from './fault.ts'
import { isTerminal } from './mirror.ts'
import type { ReadCustomer } from './sync.ts'

const LONGEST_WAIT_MS = 5 * MINUTE

const CustomerBody = t.Object({ customerId: t.String() })

type CustomerKind = JobKind<Static<typeof CustomerBody>>

export interface BillingJobsDeps {
  queue: Queue
  stripe: Stripe
  read: ReadCustomer
  reconcile: (signal: AbortSignal) => Promise<void>
  raise: RaiseAlarm
  rules: BillingRules
}

/** Registers the job kinds of billing. During an outage of Stripe they wait, for days if need be, and none fails. */
export function registerJobs({
  queue,
  stripe,
  read,
  reconcile,
  raise,
  rules,
}: BillingJobsDeps): void {
  async function patiently<T>(job: Job, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw patience(error, job, raise)
    }
  }

  const sync: CustomerKind = {
    kind: SYNC,
    concurrency: 4,
    parse: bodyParser(SYNC, CustomerBody),
    run: (job, signal) =>
      patiently(job, async () =>
        effect(applySync, { snapshot: await read(job.body.customerId, signal), rules }),
      ),
  }
  const close: CustomerKind = {
    kind: CLOSE,
    concurrency: 2,
    parse: bodyParser(CLOSE, CustomerBody),
    run: (job, signal) =>
      patiently(job, async () => {
        const { customerId } = job.body
        const before = await read(customerId, signal)
        for (const { id, status } of before.sessions) {
          if (status === 'open') await expire(stripe, id)
        }
        // Read again: a session may have been paid until the moment it was expired.
        const { subscriptions } = await read(customerId, signal)
        for (const { id, status } of subscriptions) {
          if (!isTerminal(status)) await cancel(stripe, id)
        }
        return effect(applySync, { snapshot: await read(customerId, signal), rules })
      }),
  }
  const catchUp: JobKind = {
    kind: RECONCILE,
    concurrency: 1,
    parse: (body) => body,
    run: (job, signal) => patiently(job, () => reconcile(signal)),
  }
  queue.register(sync)
  queue.register(close)
  queue.register(catchUp)
}

/** Turns a fault of Stripe into a wait; any other error stays an error of the job. */
function patience(error: unknown, job: Job, raise: RaiseAlarm): unknown {
  const fault = faultOf(error)
  switch (fault) {
    case 'unavailable':
    case 'limited': {
      const backoff = Math.min(LONGEST_WAIT_MS, SECOND * 2 ** Math.min(job.attempt - 1, 12))
      return new Snooze(retryAfterMs(error) ?? backoff, `Stripe is ${fault}`)
    }
    case 'setup':
      raiseSetupAlarm(raise, error)
      return new Snooze(LONGEST_WAIT_MS, 'Stripe is not set up')
    case 'missing':
    case 'invalid':
      // Stripe still knows deleted customers; an unknown one means that the key is that of another account. If the job
      // gave up, the user of a deleted account would go on paying.
      raiseSetupAlarm(raise, error)
      return new Snooze(HOUR, 'Stripe refuses what the job asks for')
    case undefined:
      return error
  }
}

async function expire(stripe: Stripe, sessionId: string): Promise<void> {
  try {
    await stripe.checkout.sessions.expire(sessionId)
  } catch (error) {
    // Paid or expired a moment ago; a subscription that came of it is cancelled next.
    if (faultOf(error) !== 'invalid' && faultOf(error) !== 'missing') throw error
  }
}

async function cancel(stripe: Stripe, subscriptionId: string): Promise<void> {
  try {
    await stripe.subscriptions.cancel(subscriptionId)
  } catch (error) {
    if (faultOf(error) !== 'missing') throw error
  }
}
