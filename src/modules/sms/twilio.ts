import { NotAccepted, type SmsGateway } from './gateway.ts'
import { post, retryAfterMs } from './http.ts'

export interface TwilioSettings {
  accountSid: string
  authToken: string
  /** A number, or a messaging service (MG…). */
  from: string
  baseUrl: string
}

/** Twilio's Messages resource. It knows no idempotency key: what may have been sent is not sent again. */
export function createTwilio({ accountSid, authToken, from, baseUrl }: TwilioSettings): SmsGateway {
  const url = `${baseUrl}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`
  const sender = from.startsWith('MG') ? { MessagingServiceSid: from } : { From: from }
  return {
    name: 'twilio',
    sendsOnce: false,
    async send({ to, text }, signal) {
      const body = new URLSearchParams({ To: to, Body: text, ...sender }).toString()
      const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
      const response = await post(url, { headers, body }, signal)
      if (response.ok) {
        await response.body?.cancel()
        return
      }
      const code = await errorCode(response)
      const reason = `Twilio answered ${response.status}, error ${code}`
      const { status } = response
      if (status === 429 || status === 503) {
        throw new NotAccepted(reason, { temporary: true, retryAfterMs: retryAfterMs(response) })
      }
      if (status >= 300 && status < 500) {
        // 401 and 403 are our key; 21212 and 21606 our sender; the rest is about the recipient.
        const misconfigured = [401, 403, 404].includes(status) || [21212, 21606].includes(code)
        throw new NotAccepted(reason, { temporary: false, misconfigured })
      }
      throw new Error(reason)
    },
  }
}

/** The number of Twilio's error catalogue; its message may quote the recipient, so it is left out. */
async function errorCode(response: Response): Promise<number> {
  const body: unknown = await response.json().catch(() => undefined)
  const given = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined
  return typeof given === 'number' ? given : 0
}
