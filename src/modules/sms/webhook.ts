import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'
import { NotAccepted, type SmsGateway } from './gateway.ts'
import { post, retryAfterMs } from './http.ts'

export interface WebhookSettings {
  url: string
  /** Base64, with or without the prefix whsec_. */
  secret: string
  clock: Clock
}

/**
 * Posts `{ to, text }` to any other gateway, signed as Standard Webhooks says (standardwebhooks.com), for
 * which there are verifiers in most languages. A receiver tells a repetition by `webhook-id`.
 */
export function createWebhook({ url, secret, clock }: WebhookSettings): SmsGateway {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return {
    name: 'webhook',
    sendsOnce: true,
    async send({ id, to, text }, signal) {
      const body = JSON.stringify({ type: 'sms.send', data: { to, text } })
      const timestamp = String(Math.floor(clock.now() / SECOND))
      const signature = new Bun.CryptoHasher('sha256', key)
        .update(`${id}.${timestamp}.${body}`)
        .digest('base64')
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      }
      const response = await post(url, { headers, body }, signal)
      await response.body?.cancel()
      if (response.ok) return
      const { status } = response
      const permanent = [400, 401, 403, 404, 405, 410, 413, 415, 422].includes(status)
      throw new NotAccepted(`The SMS webhook answered ${status}`, {
        temporary: !permanent,
        retryAfterMs: retryAfterMs(response),
        misconfigured: permanent,
      })
    },
  }
}
