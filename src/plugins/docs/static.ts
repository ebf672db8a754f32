interface Content {
  bytes: Uint8Array<ArrayBuffer>
  gzipped: Uint8Array<ArrayBuffer>
  etag: string
}

/**
 * Answers with content that does not change while the process lives: read and compressed at the first
 * request, revalidated by ETag after that, so that a new version of the server shows at once.
 */
export function createStatic(type: string, read: () => Promise<Uint8Array<ArrayBuffer>>) {
  let loading: Promise<Content> | undefined
  const load = async (): Promise<Content> => {
    const bytes = await read()
    const etag = `W/"${new Bun.CryptoHasher('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    return { bytes, gzipped: Bun.gzipSync(bytes), etag }
  }
  return async (request: Request, headers: Record<string, string> = {}): Promise<Response> => {
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
    return new Response(gzip ? gzipped : bytes, {
      headers: {
        ...common,
        'content-type': type,
        ...(gzip ? { 'content-encoding': 'gzip' } : {}),
      },
    })
  }
}
