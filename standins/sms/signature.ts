import { timingSafeEqual } from 'node:crypto'

const TOLERANCE_SECONDS = 300

/** Verifies a delivery as standardwebhooks.com says: what every receiver of OTP_WEBHOOK_URL has to do. */
export function isSigned(headers: Headers, body: string, secret: string, now: number): boolean {
  const id = headers.get('webhook-id') ?? ''
  const timestamp = headers.get('webhook-timestamp') ?? ''
  const age = Math.abs(now / 1_000 - Number(timestamp))
  if (id === '' || !/^\d+$/.test(timestamp) || age > TOLERANCE_SECONDS) return false
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const wanted = new Bun.CryptoHasher('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  return (headers.get('webhook-signature') ?? '').split(' ').some((part) => {
    const given = Buffer.from(part.replace(/^v1,/, ''), 'base64')
    return (
      part.startsWith('v1,') && given.length === wanted.length && timingSafeEqual(given, wanted)
    )
  })
}
