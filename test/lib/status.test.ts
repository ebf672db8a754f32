import { expect, test } from 'bun:test'
import { STATUS_CODES } from 'node:http'
import { problemCatalogue } from '#src/lib/problems/catalogue.ts'
import { STATUS_PHRASES } from '#src/lib/status.ts'

test('phrases are those of Node, and every status of a problem has one', () => {
  for (const [status, phrase] of Object.entries(STATUS_PHRASES)) {
    expect(`${status} ${phrase}`).toBe(`${status} ${STATUS_CODES[status]}`)
  }
  for (const { status } of Object.values(problemCatalogue))
    expect(STATUS_PHRASES).toHaveProperty(`${status}`)
})
