import type { InFlight } from '../in-flight.ts'
import type { Origin } from '../origin.ts'

interface Content {
  bytes: Uint8Array<ArrayBuffer>
  gzipped: Uint8Array<ArrayBuffer>
  etag: string
}

/** A shorter one is not worth the bookkeeping. */
const LONG_BYTES = 64 * 1024

/**
 * Answers with content that does not change while the process lives: read and compressed at the first
 * request, revalidated by ETag after that, so that a new version of the server shows at once. Readers share the bytes;
 * how many of one network read slowly at the same time is bounded.
 */
export function createStatic(
  type: string,
  read: () => Promise<Uint8Array<ArrayBuffer>>,
  readers: InFlight,
) {
  let loading: Promise<Content> | undefined
  const load = async (): Promise<Content> => {
    const bytes = await read()
    const etag = `W/"${new Bun.CryptoHasher('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    return { bytes, gzipped: Bun.gzipSync(bytes), etag }
  }
  /** @throws Problem 429 */
  return async (
    { request, origin }: { request: Request; origin: Pick<Origin, 'network'> },
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    loading ??= load()
    const { bytes, gzipped, etag } = await loading
    const common = {
      ...headers,
      etag,
      'cache-control': 'no-cache',
      vary: 'accept-encoding, origin',
    }
    if (request.headers.get('if-none-match')?.includes(etag)) {
      return new Response(null, { status: 304, headers: common })
    }
    const gzip = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
    const body = gzip ? gzipped : bytes
    const isLong = body.length > LONG_BYTES && request.method !== 'HEAD'
    return new Response(isLong ? readers.enter(origin.network).send(body, true) : body, {
      headers: {
        ...common,
        'content-type': type,
        ...(gzip ? { 'content-encoding': 'gzip' } : {}),
      },
    })
  }
}
