import { expect, test } from 'bun:test'
import { geminiFindings } from '#src/cli/doctor/gemini.ts'
import { parseConfig } from '#src/config/config.ts'

/** Knows one key and one model, as Gemini's model list does. */
function startGemini() {
  return Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      if (request.headers.get('x-goog-api-key') !== 'right')
        return new Response('', { status: 400 })
      const known = new URL(request.url).pathname === '/v1beta/models/gemini-2.5-flash-lite'
      return new Response('{}', { status: known ? 200 : 404 })
    },
  })
}

async function checks(settings: { geminiApiKey?: string; geminiModels?: string[] }) {
  const gemini = startGemini()
  try {
    const { config } = parseConfig({ NODE_ENV: 'test' })
    const geminiBaseUrl = `http://127.0.0.1:${gemini.port}`
    const findings = await geminiFindings({
      ...config,
      geminiApiKey: 'right',
      geminiFallbackModels: [],
      geminiBaseUrl,
      ...settings,
    })
    return findings.map(({ check }) => check)
  } finally {
    await gemini.stop(true)
  }
}

test('a right key and known models have nothing wrong', async () => {
  expect(await checks({})).toEqual([])
})

test('a wrong key is found', async () => {
  expect(await checks({ geminiApiKey: 'wrong' })).toEqual(['gemini-key'])
})

test('a model that does not exist is found', async () => {
  expect(await checks({ geminiModels: ['gemini-nonsense'] })).toEqual(['gemini-model'])
})

test('a provider that cannot be reached is found', async () => {
  const { config } = parseConfig({ NODE_ENV: 'test' })
  const findings = await geminiFindings({ ...config, geminiBaseUrl: 'http://127.0.0.1:9' })
  expect(findings.map(({ check }) => check)).toEqual(['gemini'])
})
