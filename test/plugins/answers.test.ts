import { expect, test } from 'bun:test'
import { describe } from '#src/plugins/docs.ts'
import { createTestApp } from '#test/support/test-app.ts'

const INCOMING = ['body', 'query', 'params', 'headers'] as const

test('named answers are not checked at each request; whatever comes in always is', () => {
  const { app } = createTestApp()
  const named = new Set<string>()
  for (const { hooks } of app.routes) {
    for (const part of INCOMING) {
      expect(JSON.stringify(hooks[part] ?? {})).not.toContain('noValidate')
    }
    for (const schema of Object.values(hooks.response ?? {})) {
      if (typeof schema === 'string') named.add(schema)
    }
  }
  expect(named.size).toBeGreaterThan(10)
  const { models } = describe(app)
  for (const name of named)
    expect([name, models[name]]).toEqual([name, expect.objectContaining({ noValidate: true })])
})
