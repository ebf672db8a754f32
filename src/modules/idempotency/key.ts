import { invalid } from '#src/lib/problem.ts'

/** What the client sent with its key. */
export interface IdempotencyKey {
  key: string
  /** Of method, path and body: the first 80 bits of their SHA-256, hex. */
  fingerprint: string
}

/** An answer as it was first given and is replayed. */
export interface Answer<B = unknown> {
  status: number
  body: B
  location: string | null
  replayed: boolean
}

/**
 * Reads the `Idempotency-Key` of a request (draft-ietf-httpapi-idempotency-key-header); undefined where
 * there is none.
 * @throws Problem 422 when it is not 1–255 printable ASCII characters
 */
export function idempotencyKeyOf(request: Request, body: unknown): IdempotencyKey | undefined {
  const key = request.headers.get('idempotency-key')
  if (key === null) return undefined
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw invalid({
      pointer: '#header/Idempotency-Key',
      detail: 'must be 1 to 255 printable ASCII characters',
    })
  }
  const { pathname } = new URL(request.url)
  // A client in between may escape what another does not: the same path.
  const path = pathname.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const fingerprint = new Bun.CryptoHasher('sha256')
    .update(`${request.method} ${path} ${JSON.stringify(body ?? null)}`)
    .digest('hex')
    .slice(0, 20)
  return { key, fingerprint }
}
