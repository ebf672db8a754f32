/** As much of S3 as a program needs that puts, lists, gets and deletes objects; any key may. */
export function createS3() {
  const objects = new Map<string, { body: Uint8Array; at: string }>()

  async function answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const key = decodeURIComponent(pathname.slice(1))
    if (request.method === 'PUT') {
      objects.set(key, { body: await request.bytes(), at: new Date().toISOString() })
      return new Response(null, { headers: { etag: '"1"' } })
    }
    if (request.method === 'POST' && searchParams.has('delete')) {
      const body = await request.text()
      for (const [, name] of body.matchAll(/<Key>(.*?)<\/Key>/g)) objects.delete(`${key}/${name}`)
      return xml('<DeleteResult/>')
    }
    const object = objects.get(key)
    if (object) return new Response(object.body)
    if (key.includes('/')) return xml('<Error><Code>NoSuchKey</Code></Error>', 404)
    return list(key, searchParams.get('prefix') ?? '', searchParams.get('delimiter') ?? '')
  }

  function list(bucket: string, prefix: string, delimiter: string): Response {
    const names = [...objects.keys()]
      .map((key) => key.slice(bucket.length + 1))
      .filter((name) => name.startsWith(prefix))
      .sort()
    const folders = new Set<string>()
    const contents = names.flatMap((name) => {
      const end = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length)
      if (end >= 0) {
        folders.add(name.slice(0, end + 1))
        return []
      }
      const object = objects.get(`${bucket}/${name}`)
      const size = object?.body.length ?? 0
      return [
        `<Contents><Key>${name}</Key><Size>${size}</Size><LastModified>${object?.at}</LastModified></Contents>`,
      ]
    })
    const prefixes = [...folders].map(
      (name) => `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`,
    )
    return xml(
      `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}${prefixes.join('')}</ListBucketResult>`,
    )
  }

  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer })
  return {
    url: `http://127.0.0.1:${server.port}`,
    /** What is in it, as `bucket/key`. */
    keys: () => [...objects.keys()],
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

function xml(body: string, status = 200): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${body}`, {
    status,
    headers: { 'content-type': 'application/xml' },
  })
}
