import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { InFlight } from '#src/lib/in-flight.ts'
import type { Origin } from '../origin.ts'

interface Content {
  bytes: Uint8Array<ArrayBuffer>
  gzipped: Uint8Array<ArrayBuffer>
  etag: string
}

/** A shorter one is not worth the bookkeeping. */
const LONG_BYTES = 64 * 1024

const compress = promisify(gzip)

/** Answers with content that does not change while the process lives. */
export interface Static {
  /** Reads and compresses the content, unless that is done. */
  prepare(): Promise<void>
  /** @throws Problem 429 */
  answer(
    context: { request: Request; origin: Pick<Origin, 'network'> },
    headers?: Record<string, string>,
  ): Promise<Response>
}

/**
 * Revalidated by ETag, so that a new version of the server shows at once. Readers share the bytes; how many of one
 * network read slowly at the same time is bounded.
 */
export function createStatic(
  type: string,
  read: () => Promise<Uint8Array<ArrayBuffer>>,
  readers: InFlight,
): Static {
  let loading: Promise<Content> | undefined
  const load = async (): Promise<Content> => {
    const bytes = await read()
    const etag = `W/"${new Bun.CryptoHasher('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    // In a thread of its own: two megabytes take 60 ms.
    return { bytes, gzipped: new Uint8Array(await compress(bytes)), etag }
  }
  const content = () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  return {
    async prepare() {
      await content()
    },
    async answer({ request, origin }, headers = {}) {
      const { bytes, gzipped, etag } = await content()
      const common = {
        ...headers,
        etag,
        'cache-control': 'no-cache',
        vary: 'accept-encoding, origin',
      }
      if (request.headers.get('if-none-match')?.includes(etag)) {
        return new Response(null, { status: 304, headers: common })
      }
      const isGzip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
      const body = isGzip ? gzipped : bytes
      const isLong = body.length > LONG_BYTES && request.method !== 'HEAD'
      return new Response(isLong ? readers.enter(origin.network).send(body, true) : body, {
        headers: {
          ...common,
          'content-type': type,
          ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
        },
      })
    },
  }
}
