import { Elysia } from 'elysia'
import { type ClientAddressOf, createClientAddress, type Network } from '#src/lib/address.ts'
import { toPlainLine } from '#src/lib/plain-text.ts'
import { requestId } from './request-id.ts'
import { traceparent } from './trace.ts'

const DEVICE_CHARACTERS = 200

/** Who is behind a request, for limits, the list of sessions and the audit log. */
export interface Origin {
  ip: string | null
  /** What limits are counted by. */
  network: string
  /** `network` and the wider ranges around it. */
  networks: readonly Network[]
  /** The `User-Agent`, cut and without control characters. */
  device: string | null
  requestId: string
}

/** What the audit log keeps of it. */
export type ClientInfo = Pick<Origin, 'ip' | 'requestId'>

/** Gives handlers `origin`. */
export function createOrigins({ trustedProxies }: { trustedProxies: readonly string[] }) {
  const addressOf: ClientAddressOf = createClientAddress(trustedProxies)
  return new Elysia({ name: 'origin' }).derive({ as: 'scoped' }, ({ request, server, set }) => {
    const peer = server?.requestIP(request)?.address ?? null
    const origin: Origin = {
      ...addressOf(peer, request.headers.get('x-forwarded-for')),
      device: deviceOf(request),
      requestId: requestId(set.headers),
    }
    return { origin }
  })
}

function deviceOf({ headers }: Request): string | null {
  const agent = headers.get('user-agent')?.slice(0, DEVICE_CHARACTERS)
  return agent === undefined ? null : toPlainLine(agent).toWellFormed()
}

export type Origins = ReturnType<typeof createOrigins>

/** What a request for a one-time code brings besides its body. */
export interface CodeRequest {
  origin: Origin
  trace: string | undefined
  /** The Accept-Language header, for the language of the SMS. */
  acceptLanguage: string | null
}

export function codeRequest(request: Request, origin: Origin): CodeRequest {
  const acceptLanguage = request.headers.get('accept-language')
  return { origin, trace: traceparent(request), acceptLanguage }
}
