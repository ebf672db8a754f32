import { describe, expect, test } from 'bun:test'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { faultOfAnswer, faultOfChunk } from '#src/modules/assistant/gemini-faults.ts'
import { toError } from '#standins/gemini/behaviour.ts'

const NOW = Date.UTC(2026, 10, 22, 12)

/** A 429 with these details. */
function limited(
  details: Partial<Parameters<typeof toError>[0]>,
  { retryAfter = null, status = 429 }: { retryAfter?: string | null; status?: number } = {},
) {
  const body = JSON.stringify(toError({ status, message: 'Quota exceeded', ...details }))
  const { kind, retryAfterMs, quotaId } = faultOfAnswer({ status, retryAfter, body }, NOW)
  return { kind, retryAfterMs, ...(quotaId === undefined ? {} : { quotaId }) }
}

const wait = (retryAfterMs: number | undefined) => ({ kind: 'rate-limited' as const, retryAfterMs })

describe('A 429', () => {
  test('asks to wait by RetryInfo, or by Retry-After in seconds or as a date', () => {
    expect(limited({ retryDelay: '7s' })).toEqual(wait(7 * SECOND))
    expect(limited({ retryDelay: '0.5s' })).toEqual(wait(500))
    expect(limited({}, { retryAfter: '12' })).toEqual(wait(12 * SECOND))
    expect(limited({}, { retryAfter: 'Sun, 22 Nov 2026 12:00:30 GMT' })).toEqual(wait(30 * SECOND))
    expect(limited({}, { retryAfter: 'Sun, 22 Nov 2026 11:00:00 GMT' })).toEqual(wait(0))
    expect(limited({ retryDelay: '7s' }, { retryAfter: '60' })).toEqual(wait(7 * SECOND))
    for (const retryAfter of ['', 'soon', '-5', '1e3', '12 s']) {
      expect(limited({}, { retryAfter })).toEqual(wait(undefined))
    }
    expect(limited({ retryDelay: 'soon' })).toEqual(wait(undefined))
  })

  test('that asks for more than five minutes says that the quota is used up', () => {
    const used = { kind: 'exhausted' as const, retryAfterMs: 5 * MINUTE }
    expect(limited({ retryDelay: '300s' })).toEqual(wait(5 * MINUTE))
    expect(limited({ retryDelay: '301s' })).toEqual(used)
    expect(limited({ retryDelay: '86400s' })).toEqual(used)
    expect(limited({ retryDelay: `${'9'.repeat(400)}s` })).toEqual(used)
    expect(limited({}, { retryAfter: '99999999999999999999' })).toEqual(used)
    expect(limited({}, { retryAfter: 'Sun, 22 Nov 2099 12:00:00 GMT' })).toEqual(used)
  })

  test('of a daily quota, or of a quota of nothing, is not a reason to wait', () => {
    const perDay = 'GenerateRequestsPerDayPerProjectPerModel-FreeTier'
    const perMinute = 'GenerateRequestsPerMinutePerProjectPerModel'
    const used = (quotaId?: string) => ({
      kind: 'exhausted' as const,
      retryAfterMs: undefined,
      ...(quotaId && { quotaId }),
    })
    expect(limited({ quotaIds: [perDay], retryDelay: '7s' })).toEqual(used(perDay))
    expect(limited({ quotaIds: [perMinute, perDay] })).toEqual(used(perDay))
    expect(limited({ quotaIds: [perMinute], retryDelay: '7s' })).toEqual({
      ...wait(7 * SECOND),
      quotaId: perMinute,
    })
    expect(limited({ message: 'metric: free_tier_requests, limit: 0, model: x' })).toEqual(used())
    expect(limited({ message: 'metric: requests, limit: 0.5' })).toEqual(wait(undefined))
    expect(limited({ message: 'metric: requests, limit: 50' })).toEqual(wait(undefined))
  })

  test('with details of any other shape is still a 429', () => {
    const bodies = ['', '<html>', '[]', 'null', '{"error":"why"}', '{"error":{"details":7}}']
    for (const body of [...bodies, '{"error":{"details":[null,7,{"violations":[null]}]}}']) {
      expect(faultOfAnswer({ status: 429, retryAfter: null, body }, NOW).kind).toBe('rate-limited')
    }
  })
})

describe('A fault', () => {
  test('of another status keeps the wait it asks for, within five minutes', () => {
    const overloaded = (retryAfterMs: number) => ({ kind: 'overloaded' as const, retryAfterMs })
    expect(limited({}, { status: 503, retryAfter: '9' })).toEqual(overloaded(9 * SECOND))
    expect(limited({}, { status: 503, retryAfter: '86400' })).toEqual(overloaded(5 * MINUTE))
  })

  test('keeps a short message of one line, whatever was sent', () => {
    const body = `<p>\u001b[2J\n${'x'.repeat(9_000)}`
    const { message } = faultOfAnswer({ status: 502, retryAfter: null, body }, NOW)
    expect(message).toStartWith('502 <p> [2J xxx')
    expect(message).toHaveLength(500)
  })

  test('within a stream is known by its code or by its name', () => {
    const kindOf = (error: unknown) => faultOfChunk({ error }, NOW)?.kind
    expect(kindOf({ code: 429 })).toBe('rate-limited')
    expect(kindOf({ code: '503' })).toBe('overloaded')
    expect(kindOf({ code: 8, status: 'RESOURCE_EXHAUSTED' })).toBe('rate-limited')
    expect(kindOf({ status: 'PERMISSION_DENIED' })).toBe('key')
    expect(kindOf({ message: 'why' })).toBe('overloaded')
    expect(kindOf('why')).toBe('overloaded')
    expect(faultOfChunk([{ error: { code: 404 } }], NOW)?.kind).toBe('model-gone')
    expect(faultOfChunk({ candidates: [] }, NOW)).toBeUndefined()
    expect(faultOfChunk(null, NOW)).toBeUndefined()
  })
})
