import { expect, test } from 'bun:test'
import { formatTraceparent, parseTraceparent, traceIdOf } from '#src/lib/trace.ts'
import { knownTraceId, traceparent } from '#src/plugins/trace.ts'

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const GIVEN = `00-${TRACE_ID}-00f067aa0ba902b7-01`
const request = (value?: string) =>
  new Request('http://localhost/', value === undefined ? {} : { headers: { traceparent: value } })

test('a traceparent of the caller keeps its trace and gets a span of ours', () => {
  const ours = traceparent(request(GIVEN))
  expect(ours).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`))
  expect(ours).not.toBe(GIVEN)
})

test('a request without one starts a trace, the same however often it is asked for', () => {
  const one = request()
  expect(traceparent(one)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  expect(traceparent(one)).toBe(traceparent(one))
  expect(traceparent(one)).not.toBe(traceparent(request()))
  expect(knownTraceId(one)).toBe(traceparent(one).slice(3, 35))
  expect(knownTraceId(request())).toBeUndefined()
})

test('an unsampled trace stays unsampled', () => {
  expect(traceparent(request(`00-${TRACE_ID}-00f067aa0ba902b7-00`))).toEndWith('-00')
})

test('a later version is read as far as it is known', () => {
  expect(traceIdOf(`cc-${TRACE_ID}-00f067aa0ba902b7-01-what-the-future-holds`)).toBe(TRACE_ID)
})

test.each([
  '',
  'nonsense',
  `ff-${TRACE_ID}-00f067aa0ba902b7-01`,
  `00-${TRACE_ID}-00f067aa0ba902b7-01-more`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${TRACE_ID}-0000000000000000-01`,
  `00-${TRACE_ID.toUpperCase()}-00f067aa0ba902b7-01`,
])('a malformed traceparent is not taken over: %p', (value) => {
  expect(parseTraceparent(value)).toBeUndefined()
  expect(traceparent(request(value))).not.toContain(TRACE_ID)
})

test('formatting undoes parsing', () => {
  const trace = parseTraceparent(GIVEN)
  expect(trace && formatTraceparent(trace)).toBe(GIVEN)
})
