import { expect, test } from 'bun:test'
import { namedWithin } from '#src/plugins/schemas.ts'
import { createTestApp } from '#test/support/test-app.ts'

const INCOMING = ['body', 'query', 'params', 'headers'] as const

test('named answers are not checked at each request; whatever comes in always is', () => {
  const { app } = createTestApp()
  const named = new Map<string, object>()
  for (const { hooks } of app.routes) {
    for (const part of INCOMING) {
      expect(JSON.stringify(hooks[part] ?? {})).not.toContain('noValidate')
    }
    for (const [name, schema] of namedWithin(hooks.response)) named.set(name, schema)
  }
  expect(named.size).toBeGreaterThan(10)
  for (const [name, schema] of named)
    expect([name, schema]).toEqual([name, expect.objectContaining({ noValidate: true })])
})
