import { timingSafeEqual } from 'node:crypto'
import { guarded, PAGE_HEADERS } from '../guard.ts'

/** A message that was accepted. */
export interface ReceivedSms {
  to: string
  text: string
  /** `webhook-id`, or the sid that Twilio's stand-in made. */
  id: string
  at: Date
}

/** How one call is answered. */
export type SmsBehaviour =
  | { kind: 'accept' }
  | { kind: 'status'; status: number; code?: number; retryAfter?: number }
  /** Takes the message and never answers. */
  | { kind: 'hang' }
  /** Takes the message and drops the connection. */
  | { kind: 'cut' }

export interface SmsStandInOptions {
  /** 0, the default, takes a free one. */
  port?: number
  /** The secret of the webhook, as in OTP_WEBHOOK_SECRET. */
  secret: string
  /** The only account that the Twilio part accepts. */
  twilio?: { accountSid: string; authToken: string }
  /** Decides what each call does, counted from 1; by default all are accepted. */
  behave?: (call: number) => SmsBehaviour
  now?: () => number
}

export interface SmsStandIn {
  /** The page, and the base URL of Twilio's API. */
  url: string
  /** Where the webhook goes. */
  webhookUrl: string
  /** Every message taken, oldest first, also those whose sender got no answer. */
  messages: ReceivedSms[]
  /** How many calls came, whatever the answer. */
  readonly calls: number
  stop(): Promise<void>
}

const KEPT = 200
const TOLERANCE_SECONDS = 300

/** Takes codes as the signed webhook and as Twilio's Messages resource do, and shows them on a page. */
export function createSmsStandIn(options: SmsStandInOptions): SmsStandIn {
  const messages: ReceivedSms[] = []
  const now = options.now ?? Date.now
  let calls = 0

  function take(sms: Omit<ReceivedSms, 'at'>): Response | Promise<Response> {
    const behaviour = options.behave?.(calls) ?? { kind: 'accept' }
    if (behaviour.kind === 'status') return refuse(behaviour)
    // A correct gateway takes each id once.
    if (!messages.some(({ id }) => id === sms.id)) messages.push({ ...sms, at: new Date(now()) })
    messages.splice(0, messages.length - KEPT)
    if (behaviour.kind === 'hang') return new Promise<Response>(() => {})
    return Response.json({ sid: sms.id, status: 'queued', to: sms.to }, { status: 201 })
  }

  const listen = (port: number) =>
    Bun.serve({
      hostname: '127.0.0.1',
      port,
      idleTimeout: 0,
      fetch: guarded(async (request) => {
        const { pathname } = new URL(request.url)
        if (request.method === 'GET') return inboxPage(messages)
        calls++
        const body = await request.text()
        const cut = options.behave?.(calls).kind === 'cut'
        const answer = pathname === '/webhook' ? webhook(request, body) : twilio(request, body)
        if (!cut) return answer
        // Stopping the listener cuts every connection; a new listener starts before the next try.
        const { port } = server
        await server.stop(true)
        server = listen(port ?? 0)
        return answer
      }),
    })
  let server = listen(options.port ?? 0)

  function webhook(request: Request, body: string): Response | Promise<Response> {
    if (!isSigned(request.headers, body, options.secret, now())) {
      return Response.json({ error: 'not signed' }, { status: 401 })
    }
    // It is signed, so Pollux wrote it.
    const { data } = JSON.parse(body) as { data: { to: string; text: string } }
    return take({ ...data, id: request.headers.get('webhook-id') ?? '' })
  }

  function twilio(request: Request, body: string): Response | Promise<Response> {
    const { accountSid, authToken } = options.twilio ?? { accountSid: '', authToken: '' }
    const basic = Buffer.from(`${accountSid}:${authToken}`).toString('base64')
    if (!options.twilio || request.headers.get('authorization') !== `Basic ${basic}`) {
      return refuse({ status: 401, code: 20003 })
    }
    const { pathname } = new URL(request.url)
    if (pathname !== `/2010-04-01/Accounts/${accountSid}/Messages.json`) {
      return refuse({ status: 404, code: 20404 })
    }
    const form = new URLSearchParams(body)
    const [to, text] = [form.get('To') ?? '', form.get('Body') ?? '']
    if (!/^\+\d+$/.test(to)) return refuse({ status: 400, code: 21211 })
    if (!form.get('From') && !form.get('MessagingServiceSid')) {
      return refuse({ status: 400, code: 21603 })
    }
    return take({ to, text, id: `SM${String(calls).padStart(32, '0')}` })
  }

  const url = `http://127.0.0.1:${server.port}`
  return {
    url,
    webhookUrl: `${url}/webhook`,
    messages,
    get calls() {
      return calls
    },
    stop: () => server.stop(true),
  }
}

function refuse(refusal: { status: number; code?: number; retryAfter?: number }): Response {
  const { status, code = 20500, retryAfter } = refusal
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  return Response.json({ code, message: 'told to fail', status }, { status, headers })
}

/** The newest messages first; the page reloads itself every two seconds. */
function inboxPage(messages: readonly ReceivedSms[]): Response {
  const rows = messages
    .toReversed()
    .map(
      ({ at, to, text }) =>
        `<tr><td>${at.toISOString().slice(11, 19)}</td><td>${Bun.escapeHTML(to)}</td><td>${Bun.escapeHTML(text)}</td></tr>`,
    )
  const table = rows.length > 0 ? `<table>${rows.join('')}</table>` : '<p>No message yet.</p>'
  return new Response(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>SMS stand-in</title><style>body{font:16px system-ui;margin:2rem}td{padding:.4rem 1rem .4rem 0}</style>
<h1>SMS stand-in</h1>${table}</html>`,
    { headers: PAGE_HEADERS },
  )
}

/** Verifies a delivery as standardwebhooks.com says: what every receiver of OTP_WEBHOOK_URL has to do. */
function isSigned(headers: Headers, body: string, secret: string, now: number): boolean {
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
