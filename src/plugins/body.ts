import { type FieldError, invalid, Problem, problem } from '#src/lib/problem.ts'
import { MAX_VALUES, parseFields, tooManyValues, unfit } from './text.ts'

/** Largest request body, in bytes. */
export const BODY_LIMIT_BYTES = 64 * 1024

const [QUOTE, BACKSLASH, COMMA, OPEN_ARRAY, OPEN_OBJECT] = [0x22, 0x5c, 0x2c, 0x5b, 0x7b]

/**
 * Stands in for a body that could not be read. No schema accepts it, so validation refuses it after
 * authentication had its say, and the problem plugin then gives the reason kept here.
 */
export class UnreadableBody {
  readonly problem: Problem
  constructor(problem: Problem) {
    this.problem = problem
  }
}

/**
 * Stands in for a body of which some fields are unfit for any schema. No schema accepts it either; what could be read is
 * kept, so that the problem tells what else is wrong with it.
 */
export class UnfitBody {
  readonly errors: FieldError[]
  // Private: Elysia puts a refused value into words, however deep it is.
  readonly #fields: unknown
  constructor(errors: FieldError[], fields: unknown) {
    this.errors = errors
    this.#fields = fields
  }
  get fields(): unknown {
    return this.#fields
  }
}

/**
 * Reads a JSON or urlencoded body. Stricter than the framework's: invalid UTF-8, NUL and lone surrogates
 * are refused, a body past the limit is not read to its end, another content type is 415.
 */
export async function readBody(request: Request, contentType: string): Promise<unknown> {
  try {
    const bytes = await readBytes(request, BODY_LIMIT_BYTES)
    // Not undefined: Elysia would then read the body itself, which is spent, and call that a fault. As an empty object it
    // is the same request as `{}`, and each field that is missing is told.
    if (bytes.length === 0) return {}
    refuseCoding(request)
    // RFC 9110, 8.3.1: in any case, and blanks may stand before its parameters.
    const type = contentType.trim().toLowerCase()
    if (type === 'application/json') return parseJson(bytes)
    if (type === 'application/x-www-form-urlencoded') return parseForm(decode(bytes))
    throw problem('unsupported-media-type')
  } catch (error) {
    if (error instanceof Problem) return new UnreadableBody(error)
    throw error
  }
}

/** A small body may unfold to a huge one, so nothing is unfolded (RFC 9110, 15.5.16). */
function refuseCoding(request: Request): void {
  const coding = request.headers.get('content-encoding')?.trim().toLowerCase()
  if (coding === undefined || coding === '' || coding === 'identity') return
  throw problem('unsupported-media-type', {
    detail: 'Send the body without a Content-Encoding.',
    headers: { 'accept-encoding': 'identity' },
  })
}

/** At most `limitBytes` of the body; a longer one is 413 whether its length was told or not. */
export async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  const tooLarge = () =>
    problem('body-too-large', { detail: `The body may hold at most ${limitBytes} bytes.` })
  const length = Number(request.headers.get('content-length') ?? 'NaN')
  if (length > limitBytes) throw tooLarge()
  if (!request.body) return new Uint8Array()
  try {
    if (length <= limitBytes) return new Uint8Array(await request.arrayBuffer())
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of request.body) {
      size += chunk.length
      if (size > limitBytes) throw tooLarge()
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    if (error instanceof Problem) throw error
    // The sender has gone, or was so slow that the connection was closed: nobody's fault, and nobody reads this.
    throw problem('malformed-body', { detail: 'The body did not arrive whole.' })
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw problem('validation', {
      detail: 'The body is not valid UTF-8.',
      errors: [{ pointer: '', detail: 'must be valid UTF-8' }],
    })
  }
}

function parseJson(bytes: Uint8Array): unknown {
  if (countValues(bytes) > MAX_VALUES) throw invalid(tooManyValues())
  const text = decode(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw problem('malformed-body')
  }
  // Every body here is an object; of an optional one Elysia would let anything else through unchecked.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid({ pointer: '', detail: 'must be a JSON object' })
  }
  const errors = unfit(value)
  return errors.length > 0 ? new UnfitBody(errors, value) : value
}

/**
 * Commas and opening brackets outside of strings, which is at least the number of values. Counted before anything is
 * parsed: parsing, walking and refusing 30 000 nested arrays takes the event loop 30 ms or more.
 */
function countValues(bytes: Uint8Array): number {
  let count = 0
  let isInString = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) isInString = !isInString
    else if (isInString) at += byte === BACKSLASH ? 1 : 0
    else if (byte === COMMA || byte === OPEN_ARRAY || byte === OPEN_OBJECT) count++
  }
  return count
}

function parseForm(text: string): unknown {
  const { fields, errors } = parseFields(text)
  return errors.length > 0 ? new UnfitBody(errors, fields) : fields
}
