import { describe, expect, test } from 'bun:test'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { endOf } from '#test/support/gemini-call.ts'

const part = (text: string, finishReason?: string) => ({
  candidates: [
    { content: { role: 'model', parts: [{ text }] }, ...(finishReason && { finishReason }) },
  ],
})
const json = (text: string, finishReason?: string) => JSON.stringify(part(text, finishReason))
const pretty = (text: string, finishReason?: string) =>
  JSON.stringify(part(text, finishReason), null, 2)
/** Every line of a text as a data line of its own. */
const dataLines = (text: string) =>
  text
    .split('\n')
    .map((line) => `data: ${line}`)
    .join('\n')

const events: [name: string, body: string][] = [
  ['as Google sends them', `data: ${json('Hel')}\r\n\r\ndata: ${json('lo', 'STOP')}\r\n\r\n`],
  ['with LF', `data: ${json('Hel')}\n\ndata: ${json('lo', 'STOP')}\n\n`],
  ['with CR', `data: ${json('Hel')}\r\rdata: ${json('lo', 'STOP')}\r\r`],
  ['with mixed line ends', `data: ${json('Hel')}\n\r\ndata: ${json('lo', 'STOP')}\r\n\n`],
  ['without a blank', `data:${json('Hel')}\n\ndata:${json('lo', 'STOP')}\n\n`],
  ['with comments', `: hi\n\ndata: ${json('Hel')}\n: on\n\n:\n\ndata: ${json('lo', 'STOP')}\n\n`],
  [
    'with id and retry',
    `retry: 9\nid: 1\ndata: ${json('Hel')}\n\nid\ndata: ${json('lo', 'STOP')}\n\n`,
  ],
  [
    'with event lines',
    `event: message\ndata: ${json('Hel')}\n\nevent: x\ndata: ${json('lo', 'STOP')}\n\n`,
  ],
  [
    'with keep-alives',
    `event: ping\ndata: now\n\ndata: ${json('Hel')}\n\ndata\n\ndata: ${json('lo', 'STOP')}\n\n`,
  ],
  [
    'with unknown fields',
    `data: ${json('Hel')}\nx-y: 1\n\nnonsense\n\ndata: ${json('lo', 'STOP')}\n\n`,
  ],
  [
    'of several data lines',
    `${dataLines(pretty('Hel'))}\n\n${dataLines(pretty('lo', 'STOP'))}\n\n`,
  ],
  ['after a BOM', `\ufeffdata: ${json('Hel')}\n\ndata: ${json('lo', 'STOP')}\n\n`],
  ['with [DONE]', `data: ${json('Hel')}\n\ndata: ${json('lo', 'STOP')}\n\ndata: [DONE]\n\n`],
  [
    'with more after [DONE]',
    `data: ${json('Hello', 'STOP')}\n\ndata:[DONE]\n\ndata: ${json('!')}\n\n`,
  ],
  ['without an empty line at the end', `data: ${json('Hel')}\n\ndata: ${json('lo', 'STOP')}`],
]

const answer = { text: 'Hello', end: 'STOP' }

describe('Server-sent events are read as WHATWG specifies', () => {
  test.each(events)('%s', async (_name, body) => {
    expect(await endOf({ kind: 'raw', chunks: [body] })).toEqual(answer)
  })

  test('however the network cuts them, between the bytes of a character too', async () => {
    const text = 'Grüße 🪐 北京'
    const bytes = new TextEncoder().encode(`id:1\r\ndata:${json(text, 'STOP')}\r\n\r\n`)
    for (const size of [1, 2, 3, 7]) {
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size))
      expect(await endOf({ kind: 'raw', chunks })).toEqual({ text, end: 'STOP' })
    }
  })

  test('bytes that are no UTF-8 are replaced and not fatal', async () => {
    const bytes = new TextEncoder().encode(`data: ${json('a?b', 'STOP')}\n\n`)
    bytes[bytes.indexOf('?'.charCodeAt(0))] = 0xff
    expect(await endOf({ kind: 'raw', chunks: [bytes] })).toEqual({ text: 'a\ufffdb', end: 'STOP' })
  })

  test('line separators that JSON allows within a text stay in it', async () => {
    const text = 'one\u2028two\u2029three'
    expect(await endOf({ kind: 'raw', chunks: [`data: ${json(text, 'STOP')}\n\n`] })).toEqual({
      text,
      end: 'STOP',
    })
  })
})

describe('An answer that is no stream', () => {
  const raw = (body: string): Behaviour => {
    return { kind: 'raw', chunks: [body], contentType: 'application/json; charset=UTF-8' }
  }

  test('is one response, or an array of them', async () => {
    expect(await endOf(raw(json('Hello', 'STOP')))).toEqual(answer)
    expect(await endOf(raw(`[${pretty('Hel')},\n${pretty('lo', 'STOP')}]`))).toEqual(answer)
  })

  test('may hold an error', async () => {
    const error = { error: { code: 503, message: 'busy' } }
    expect(await endOf(raw(JSON.stringify([error])))).toMatchObject({ end: 'overloaded: 503 busy' })
  })

  test('or anything else, which is a broken answer', async () => {
    for (const body of ['', '<html>', 'null', '[null]', '7', '"text"', '{"candidates":7}']) {
      expect((await endOf(raw(body))).end).toStartWith('broken: ')
    }
  })
})

test('a frame without end is cut off', async () => {
  function* endless() {
    yield 'data: {"'
    for (let sent = 0; sent < 20; sent++) yield 'x'.repeat(1_000_000)
  }
  expect((await endOf({ kind: 'raw', chunks: endless() })).end).toStartWith('broken: ')
})
