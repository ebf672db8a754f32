import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'
import type { StandInEvent } from './objects.ts'

/** Stripe retries for days; a developer waits for seconds. */
const RETRY_AFTER_MS = [1, 5, 30, 120, 600].map((seconds) => seconds * SECOND)

export interface Delivery {
  eventId: string
  type: string
  attempt: number
  /** The endpoint's status; undefined where there was no answer. */
  status: number | undefined
}

export interface Deliveries {
  /** Where events go; undefined until it is set. */
  target: string | undefined
  /** Events that are held back until `release`. */
  held: StandInEvent[]
  log: Delivery[]
  send(event: StandInEvent): void
  /** Holds back every event from now on. */
  hold(): void
  /** Sends the events that were held back, in order or reversed, and holds no more. */
  release(order?: 'in order' | 'reversed'): void
  /** How much later every event from now on is sent. */
  delayMs: number
  /** Resolves when nothing is on its way; waiting for a retry does not count. */
  settled(): Promise<void>
  stop(): void
}

export function createDeliveries(options: { secret: string; clock: Clock }): Deliveries {
  const { secret, clock } = options
  const waiting = new Set<() => void>()
  const underway = new Set<Promise<void>>()
  let holding = false

  function post(event: StandInEvent, attempt = 1): void {
    const sent = postOnce(event, attempt).finally(() => underway.delete(sent))
    underway.add(sent)
  }

  async function postOnce(event: StandInEvent, attempt: number): Promise<void> {
    const { target } = deliveries
    if (target === undefined) return
    const payload = JSON.stringify(event, undefined, 2)
    let status: number | undefined
    try {
      const answer = await fetch(target, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'stripe-signature': sign(payload, secret, clock.now()),
        },
        body: payload,
      })
      status = answer.status
      await answer.body?.cancel()
    } catch {
      status = undefined
    }
    deliveries.log.push({ eventId: event.id, type: event.type, attempt, status })
    const delayMs = RETRY_AFTER_MS[attempt - 1]
    if (status !== undefined && status < 300) event.pending_webhooks = 0
    else if (delayMs !== undefined) later(delayMs, () => post(event, attempt + 1))
  }

  function later(delayMs: number, run: () => void) {
    const cancel = clock.after(delayMs, () => {
      waiting.delete(cancel)
      run()
    })
    waiting.add(cancel)
  }

  const deliveries: Deliveries = {
    target: undefined,
    held: [],
    log: [],
    delayMs: 0,
    send(event) {
      if (holding) deliveries.held.push(event)
      else if (deliveries.delayMs > 0) later(deliveries.delayMs, () => post(event))
      else post(event)
    },
    hold() {
      holding = true
    },
    release(order = 'in order') {
      holding = false
      const events = deliveries.held.splice(0)
      for (const event of order === 'reversed' ? events.reverse() : events) post(event)
    },
    async settled() {
      while (underway.size > 0) await Promise.all(underway)
    },
    stop() {
      for (const cancel of waiting) cancel()
      waiting.clear()
    },
  }
  return deliveries
}

/** The `Stripe-Signature` of a payload. */
export function sign(payload: string, secret: string, at: number): string {
  const timestamp = Math.floor(at / SECOND)
  const seal = new Bun.CryptoHasher('sha256', secret).update(`${timestamp}.${payload}`)
  return `t=${timestamp},v1=${seal.digest('hex')}`
}
