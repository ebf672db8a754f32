import { type Static, t } from 'elysia'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import type { Meters } from '#src/lib/meters.ts'
import type { Sealer } from '#src/lib/seal.ts'
import { Discard, type JobKind, type NewJob, Snooze } from '#src/queue/job.ts'
import { bodyParser } from '#src/queue/job-body.ts'
import { begin, clear, releaseUnsent } from './commands.ts'
import { NotAccepted, type Sms, type SmsGateway } from './gateway.ts'
import { smsText } from './texts.ts'

const KIND = 'sms.send'
const CONCURRENCY = 8

const SmsBody = t.Object({
  challengeId: t.String(),
  // Sealed: neither the job nor the log ever shows the code.
  sealedCode: t.String(),
  purpose: t.Union([t.Literal('login'), t.Literal('reset'), t.Literal('delete')]),
  language: t.String(),
  // Keys of the limits that were reserved for this SMS.
  budget: t.Array(t.String()),
})
type SmsBody = Static<typeof SmsBody>

export interface SmsDeps {
  database: Database
  sealer: Sealer
  gateway: SmsGateway
  clock: Clock
  log: Log
  meters: Meters
  /** The service's name in the text. */
  sender: string
}

/**
 * The job that delivers one code. It is enqueued for numbers without an account too, so that the request takes the same
 * time; it then sends nothing. It has no owner, because finding the owner's place in the queue takes time.
 */
export function smsJob(code: SmsBody): NewJob {
  const { challengeId, sealedCode, purpose, language, budget } = code
  return { kind: KIND, body: { challengeId, sealedCode, purpose, language, budget } }
}

/** Job kind `sms.send`: hands one code to the gateway, and never twice to one that would send it twice. */
export function sendSms(deps: SmsDeps): JobKind<SmsBody> {
  const { database, sealer, gateway, clock } = deps
  return {
    kind: KIND,
    concurrency: CONCURRENCY,
    parse: bodyParser(KIND, SmsBody),
    async run({ body: { challengeId, sealedCode, purpose, language, budget } }, signal) {
      const code = sealer.open(sealedCode, challengeId)
      if (code === undefined) throw new Discard('unreadable', 'no key opens the code any more')
      const again = gateway.sendsOnce
      const to = await database.run(begin, { challengeId, again, budget, now: clock.now() })
      if (to === undefined) return
      const text = smsText({ code, sender: deps.sender, purpose, language })
      await handOver(deps, { id: challengeId, to, text }, signal)
    },
    ended: (tx, { body: { challengeId, budget } }) =>
      releaseUnsent.steps(tx, { challengeId, budget }),
  }
}

async function handOver(
  { database, gateway, clock, log, meters }: SmsDeps,
  sms: Sms,
  signal: AbortSignal,
): Promise<void> {
  const startedAt = clock.now()
  const count = (outcome: Parameters<Meters['providerCall']>[1]) =>
    meters.providerCall('sms', outcome, clock.now() - startedAt)
  try {
    await gateway.send(sms, signal)
    count('ok')
  } catch (error) {
    if (!(error instanceof NotAccepted)) {
      count(signal.aborted ? 'aborted' : 'timeout')
      if (gateway.sendsOnce || signal.aborted) throw error
      // It may be on its way: a second SMS is worse than none, as the person can ask for another code.
      throw new Discard('outcome-unknown', `${gateway.name} may have sent it`)
    }
    await database.run(clear, { challengeId: sms.id })
    if (error.misconfigured) log.error({ err: error }, 'codes cannot be delivered')
    if (!error.temporary) {
      count('refused')
      throw new Discard('sms-refused', error.message)
    }
    count(error.retryAfterMs === undefined ? 'unavailable' : 'limited')
    if (error.retryAfterMs !== undefined) throw new Snooze(error.retryAfterMs, error.message)
    throw error
  }
}
