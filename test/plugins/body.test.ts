import { describe, expect, test } from 'bun:test'
import { BODY_LIMIT_BYTES, readBody, UnfitBody, UnreadableBody } from '#src/plugins/body.ts'
import { MAX_VALUES } from '#src/plugins/text.ts'

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

function post(body: string | Uint8Array | ReadableStream<Uint8Array>): Request {
  return new Request('http://localhost/', { method: 'POST', body })
}

/** A body of unknown length that tells how much of it was asked for. */
function chunked(chunkBytes: number) {
  const asked = { bytes: 0 }
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      asked.bytes += chunkBytes
      controller.enqueue(new Uint8Array(chunkBytes).fill(0x20))
    },
  })
  return { asked, stream }
}

async function refusal(
  body: string | Uint8Array,
  contentType = JSON_TYPE,
): Promise<[number, string]> {
  const read = await readBody(post(body), contentType)
  if (!(read instanceof UnreadableBody)) throw new Error('The body was read')
  return [read.problem.status, read.problem.slug]
}

describe('readBody', () => {
  test('reads JSON and forms, and an empty body as an empty object', async () => {
    expect(await readBody(post('{"a":["ü",1]}'), JSON_TYPE)).toEqual({ a: ['ü', 1] })
    expect(await readBody(post('a=%C3%BC+1&b='), FORM_TYPE)).toEqual({ a: 'ü 1', b: '' })
    expect(await readBody(post(''), JSON_TYPE)).toEqual({})
    expect(await readBody(new Request('http://localhost/', { method: 'POST' }), '')).toEqual({})
  })

  test('takes a body of exactly the limit and refuses one byte more', async () => {
    const text = 'x'.repeat(BODY_LIMIT_BYTES - '{"a":""}'.length)
    const exact = JSON.stringify({ a: text })
    expect(await readBody(post(exact), JSON_TYPE)).toEqual({ a: text })
    expect(await refusal(`${exact} `)).toEqual([413, 'body-too-large'])
  })

  test('does not read a body of untold length past the limit', async () => {
    const { asked, stream } = chunked(16 * 1024)
    const read = await readBody(post(stream), JSON_TYPE)
    expect(read).toBeInstanceOf(UnreadableBody)
    expect(asked.bytes).toBeLessThanOrEqual(BODY_LIMIT_BYTES + 3 * 16 * 1024)
  })

  test('refuses what is not JSON, not UTF-8, or of another type', async () => {
    for (const bad of ['{', '{"a":1,}', 'undefined', "{'a':1}", '{"a":"\0"}', '['.repeat(50)]) {
      expect(await refusal(bad)).toEqual([400, 'malformed-body'])
    }
    expect(await refusal(new Uint8Array([0x22, 0xff, 0x22]))).toEqual([422, 'validation'])
    expect(await refusal('x', 'text/plain')).toEqual([415, 'unsupported-media-type'])
    expect(await refusal('x', '')).toEqual([415, 'unsupported-media-type'])
  })

  test('points at lone surrogates, NUL characters and fields given twice', async () => {
    const pointers = async (body: string, contentType = JSON_TYPE) => {
      const read = await readBody(post(body), contentType)
      return read instanceof UnfitBody ? read.errors : read
    }
    expect(await pointers('{"a":{"b/c":["x","\\ud83d"]}}')).toMatchObject([
      { pointer: '/a/b~1c/1' },
    ])
    expect(await pointers('{"a":"\\u0000"}')).toMatchObject([{ pointer: '/a' }])
    expect(await pointers('a=%00', FORM_TYPE)).toMatchObject([{ pointer: '/a' }])
    expect(await pointers('a=1&a=2', FORM_TYPE)).toMatchObject([{ pointer: '/a' }])
    expect(await pointers('{"a":"\\ud83d\\ude00"}')).toEqual({ a: '😀' })
  })

  test('refuses more values than any route takes before it parses them', async () => {
    const many = Array.from({ length: MAX_VALUES }, (_, at) => `"f${at}":${at}`).join(',')
    expect(await readBody(post(`{${many}}`), JSON_TYPE)).toHaveProperty('f499', 499)
    // Each cannot be parsed either: it is not tried.
    for (const bad of ['['.repeat(501), '{"a":'.repeat(501), `[${'1,'.repeat(500)}`]) {
      expect(await refusal(bad)).toEqual([422, 'validation'])
    }
    const form = Array.from({ length: MAX_VALUES }, (_, at) => `f${at}=${at}`)
    expect(await readBody(post(form.join('&')), FORM_TYPE)).toHaveProperty('f499', '499')
    for (const bad of [`${form.join('&')}&x=1`, '&'.repeat(500), '%ff=1&'.repeat(10_000)]) {
      const read = await readBody(post(bad), FORM_TYPE)
      expect(read).toMatchObject({
        errors: [{ pointer: '', detail: 'must have at most 500 values' }],
      })
    }
  })

  test('counts no brackets and commas inside strings', async () => {
    for (const text of ['[{,'.repeat(9_000), '\\'.repeat(9_000), '\\",['.repeat(5_000)]) {
      const body = { 'a"': text, b: 1 }
      expect(await readBody(post(JSON.stringify(body)), JSON_TYPE)).toEqual(body)
    }
  })

  test('makes no prototype of a field’s name', async () => {
    const read = await readBody(post('__proto__=x&constructor=y'), FORM_TYPE)
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect(Object.keys(read ?? {}).sort()).toEqual(['__proto__', 'constructor'])
  })
})
