/** A `traceparent` of https://www.w3.org/TR/trace-context/, read. */
export interface Trace {
  /** 32 hex digits, the same for everything one cause led to. */
  traceId: string
  /** The caller's span. */
  parentId: string
  sampled: boolean
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Reads a header value; undefined where it is not one, or all zero, which the standard forbids. */
export function parseTraceparent(value: string | null): Trace | undefined {
  const [, version, traceId, parentId, flags, rest] = FORM.exec(value ?? '') ?? []
  if (!version || !traceId || !parentId || !flags) return undefined
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export function formatTraceparent({ traceId, parentId, sampled }: Trace): string {
  return `00-${traceId}-${parentId}-${sampled ? '01' : '00'}`
}

/** The trace id of a stored traceparent, for a log line. */
export function traceIdOf(value: string | null): string | undefined {
  return parseTraceparent(value)?.traceId
}
