import { createParser } from 'eventsource-parser'

/** No frame of the API comes near it: the largest text of a reply, escaped, is six times smaller than this. */
const MAX_FRAME_CHARACTERS = 8_000_000
/** The SDK keeps every frame until the answer is over, so one answer must not be endless. */
const MAX_BODY_BYTES = 64_000_000
/** The end of a stream, as servers with the manners of OpenAI mark it. */
const DONE = '[DONE]'

/**
 * A stream of the API in the one form that the SDK reads: `data: <JSON on one line>` and an empty line. The SDK fails on
 * comments, on `data:` without a blank, on `event:` and `id:`, on several data lines, on a BOM, on `[DONE]`, on bytes
 * that are not UTF-8 and on U+2028 within a text; servers behind GEMINI_BASE_URL send all of them.
 * @param heard called at each arrival of bytes, comments included
 */
export function toSdkStream(
  body: ReadableStream<Uint8Array>,
  contentType: string | null,
  heard: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const frames = /\bjson\b/.test(contentType ?? '') ? createJsonFrames() : createEventFrames()
  let bytes = 0
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const { value, done } = await reader.read()
        heard()
        bytes += value?.byteLength ?? 0
        if (bytes > MAX_BODY_BYTES)
          throw new Error('the answer has more bytes than any answer needs')
        const text = frames.read(decoder.decode(value, { stream: !done }), done)
        if (text !== '') controller.enqueue(new TextEncoder().encode(text))
        if (done || frames.isOver) {
          controller.close()
          if (!done) await reader.cancel()
          return
        }
        if (text !== '') return
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

interface Frames {
  /** What of the text is whole, in the form of the SDK. */
  read(text: string, isLast: boolean): string
  /** Nothing more is to be read. */
  readonly isOver: boolean
}

/** Server-sent events as WHATWG specifies them (html.spec.whatwg.org/multipage/server-sent-events.html). */
function createEventFrames(): Frames {
  let out = ''
  let isOver = false
  const parser = createParser({
    maxBufferSize: MAX_FRAME_CHARACTERS,
    onEvent({ data, event }) {
      if (isOver || data.trim() === '') return
      if (data.trim() === DONE) isOver = true
      // A keep-alive has a name of its own and need not be JSON.
      else if (event === undefined || event === 'message' || isJson(data)) out += toFrame(data)
    },
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') throw error
    },
  })
  return {
    get isOver() {
      return isOver
    },
    read(text, isLast) {
      out = ''
      // What ends without an empty line is read too: whether it is whole is for its JSON to say.
      parser.feed(isLast ? `${text}\n\n` : text)
      return out
    },
  }
}

/** A server that does not stream sends one response, or an array of them, with a content type of JSON. */
function createJsonFrames(): Frames {
  let all = ''
  return {
    isOver: false,
    read(text, isLast) {
      all += text
      if (all.length > MAX_FRAME_CHARACTERS) throw new Error('the answer is larger than any frame')
      if (!isLast) return ''
      const answer: unknown = JSON.parse(all)
      const chunks: unknown[] = Array.isArray(answer) ? answer : [answer]
      return chunks.map((chunk) => toFrame(JSON.stringify(chunk))).join('')
    },
  }
}

/** The SDK looks for the end of the line with a `.`, which stops at four characters; none of them is needed in JSON. */
function toFrame(json: string): string {
  const line = json.replaceAll(/[\r\n]/g, ' ').replaceAll(/[\u2028\u2029]/g, escapeUnit)
  return `data: ${line}\n\n`
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
