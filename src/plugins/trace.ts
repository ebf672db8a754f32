import { formatTraceparent, parseTraceparent, type Trace } from '#src/lib/trace.ts'

const traces = new WeakMap<Request, Trace>()

/**
 * The W3C `traceparent` that what this request causes is to carry: the caller's trace with a span of our
 * own, or a new trace. The same at each call for the same request. Give it to the jobs a request enqueues:
 * `queue.enqueue(tx, { …, trace })`, with `trace: traceparent(request)` taken in the route.
 */
export function traceparent(request: Request): string {
  return formatTraceparent(traceOf(request))
}

/** The trace id, where the caller gave one or somebody asked for {@link traceparent}. */
export function knownTraceId(request: Request): string | undefined {
  return traces.get(request)?.traceId ?? parseTraceparent(header(request))?.traceId
}

function traceOf(request: Request): Trace {
  const known = traces.get(request)
  if (known) return known
  const given = parseTraceparent(header(request))
  const trace: Trace = {
    traceId: given?.traceId ?? hex(16),
    parentId: hex(8),
    sampled: given?.sampled ?? true,
  }
  traces.set(request, trace)
  return trace
}

function header(request: Request): string | null {
  return request.headers.get('traceparent')
}

function hex(bytes: number): string {
  return crypto.getRandomValues(new Uint8Array(bytes)).toHex()
}
