import { MINUTE, SECOND } from '#src/lib/time.ts'
import { AssistantFault, type FaultKind } from './assistant.ts'
import { faultKindOf } from './outcomes.ts'

/** The longest wait that a provider may ask for. A longer one says that the quota of the model is used up. */
const LONGEST_WAIT_MS = 5 * MINUTE
const MOST_MESSAGE_CHARACTERS = 500

/** An answer of the provider that is not 2xx. */
export interface FailedAnswer {
  status: number
  /** The header of that name. */
  retryAfter: string | null
  /** Its beginning, if it is long. */
  body: string
}

/** The parts of google.rpc.Status as JSON; all of it is untrusted. */
interface WireError {
  code?: unknown
  status?: unknown
  message?: unknown
  details?: unknown
}

/** What an answer that failed means for the reply. `now` is the instant of its arrival. */
export function faultOfAnswer(answer: FailedAnswer, now: number): AssistantFault {
  const error = wireErrorOf(parse(answer.body)) ?? { message: answer.body }
  return toFault(answer.status, error, now, answer.retryAfter)
}

/** The same for an `error` inside of a stream that began with 200; undefined where a chunk holds none. */
export function faultOfChunk(chunk: unknown, now: number): AssistantFault | undefined {
  const error = wireErrorOf(chunk)
  return error && toFault(statusOf(error), error, now, null)
}

function toFault(
  status: number,
  error: WireError,
  now: number,
  retryAfter: string | null,
): AssistantFault {
  const text = typeof error.message === 'string' ? error.message : ''
  const details = Array.isArray(error.details) ? error.details.filter(isRecord) : []
  const asked = retryInfoMs(details) ?? retryAfterMs(retryAfter, now)
  const kind = kindOf(status, text)
  // A provider that refuses a request may quote the prompt, which must reach neither the log nor the jobs table.
  const said = kind === 'refused' ? codeNameOf(error) : text
  const message = `${status} ${said}`.replaceAll(/\p{Cc}/gu, ' ').slice(0, MOST_MESSAGE_CHARACTERS)
  const quotaId = kind === 'rate-limited' ? quotaIdOf(details) : undefined
  if (kind === 'rate-limited') {
    // Google's daily quotas and those of 0 are named as such; another server that asks for a long wait means the same.
    if (isUsedUp(text, details)) return new AssistantFault('exhausted', message, { quotaId })
    if (asked !== undefined && asked > LONGEST_WAIT_MS) {
      return new AssistantFault('exhausted', message, { quotaId, retryAfterMs: LONGEST_WAIT_MS })
    }
  }
  const waitMs = asked === undefined ? undefined : Math.min(asked, LONGEST_WAIT_MS)
  return new AssistantFault(kind, message, { quotaId, retryAfterMs: waitMs })
}

function kindOf(status: number, message: string): FaultKind {
  // Google answers 400 and not 401 for a key that does not exist.
  if (status === 400 && /API.?key/i.test(message)) return 'key'
  return faultKindOf(status)
}

/** google.rpc.QuotaFailure: a quota per day, or one of nothing at all, as a free tier has for some models. */
function isUsedUp(message: string, details: Record<string, unknown>[]): boolean {
  if (/\blimit: *0(?![\d.])/.test(message)) return true
  return violationsOf(details).some(
    ({ quotaId, quotaValue }) => /PerDay/i.test(String(quotaId ?? '')) || quotaValue === '0',
  )
}

/** The quota that says most: one per day before one per minute. */
function quotaIdOf(details: Record<string, unknown>[]): string | undefined {
  const ids = violationsOf(details).flatMap(({ quotaId }) =>
    typeof quotaId === 'string' && /^[\w-]{1,120}$/.test(quotaId) ? [quotaId] : [],
  )
  return ids.find((id) => /PerDay/i.test(id)) ?? ids[0]
}

function violationsOf(details: Record<string, unknown>[]): Record<string, unknown>[] {
  return details.flatMap(({ violations }) =>
    Array.isArray(violations) ? violations.filter(isRecord) : [],
  )
}

/** google.rpc.RetryInfo: `retryDelay` is a duration such as "7s" or "0.5s". */
function retryInfoMs(details: Record<string, unknown>[]): number | undefined {
  for (const { retryDelay } of details) {
    const seconds =
      typeof retryDelay === 'string' ? /^(\d+(?:\.\d+)?)s$/.exec(retryDelay)?.[1] : undefined
    if (seconds !== undefined) return Math.ceil(Number(seconds) * SECOND)
  }
  return undefined
}

/** Retry-After (RFC 9110, 10.2.3): seconds, or a date. */
function retryAfterMs(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) * SECOND
  const at = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

/** google.rpc.Code by name, for a server that sends no HTTP status as `code`. */
const STATUS_OF_NAME = new Map([
  ['INVALID_ARGUMENT', 400],
  ['FAILED_PRECONDITION', 400],
  ['OUT_OF_RANGE', 400],
  ['UNAUTHENTICATED', 401],
  ['PERMISSION_DENIED', 403],
  ['NOT_FOUND', 404],
  ['ABORTED', 409],
  ['RESOURCE_EXHAUSTED', 429],
  ['CANCELLED', 499],
  ['UNAVAILABLE', 503],
  ['DEADLINE_EXCEEDED', 504],
])

/** The name of the google.rpc.Code, which says nothing of the request. */
function codeNameOf({ status }: WireError): string {
  const name = String(status ?? '')
  return STATUS_OF_NAME.has(name) ? name : 'the request was refused'
}

function statusOf({ code, status }: WireError): number {
  const given = typeof code === 'string' ? Number(code) : code
  if (typeof given === 'number' && given >= 400 && given <= 599) return given
  return STATUS_OF_NAME.get(String(status ?? '')) ?? 500
}

/** An error stands alone, or in an array where the API does not stream events. */
function wireErrorOf(answer: unknown): WireError | undefined {
  const holder: unknown = Array.isArray(answer) ? answer[0] : answer
  if (!isRecord(holder)) return undefined
  const { error } = holder
  if (typeof error === 'string') return { message: error }
  return isRecord(error) ? error : undefined
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
