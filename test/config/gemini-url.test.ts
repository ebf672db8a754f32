import { describe, expect, test } from 'bun:test'
import { ConfigError, parseConfig } from '#src/config/config.ts'

function baseUrl(given: string): string | undefined {
  return parseConfig({ NODE_ENV: 'test', GEMINI_BASE_URL: given }).config.geminiBaseUrl
}

describe('GEMINI_BASE_URL', () => {
  test.each([
    'https://generativelanguage.googleapis.com/v1beta',
    'https://generativelanguage.googleapis.com/v1beta/',
    'https://proxy.example/gemini/v1',
    'https://proxy.example/v1alpha//',
    'https://proxy.example/v1beta/models',
  ])('refuses %s and says that the version is added', (given) => {
    let fault: unknown
    try {
      baseUrl(given)
    } catch (error) {
      fault = error
    }
    if (!(fault instanceof ConfigError)) throw new Error(`${given} was taken`)
    expect(fault.faults).toEqual([
      expect.stringMatching(/^GEMINI_BASE_URL cannot be .* without \/v1beta.* which Pollux adds/),
    ])
  })

  test.each([
    ['https://generativelanguage.googleapis.com', undefined],
    ['https://generativelanguage.googleapis.com/', 'https://generativelanguage.googleapis.com'],
    ['https://gateway.example/v1/account/google-ai-studio', undefined],
    ['http://127.0.0.1:8080/v1beta-proxy', undefined],
  ])('takes %s', (given, taken) => {
    expect(baseUrl(given)).toBe(taken ?? given)
  })
})
