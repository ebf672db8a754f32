import { describe, expect, test } from 'bun:test'
import { parseConfig } from '#src/config/config.ts'
import { configurationPage, envExample } from '../../scripts/configuration.ts'

describe('The documents of the configuration', () => {
  test('.env.example lists every setting (mend with: bun run docs:configuration)', async () => {
    expect(await Bun.file('.env.example').text()).toBe(envExample())
  })

  test('docs/configuration.md does so too (mend with: bun run docs:configuration)', async () => {
    expect(await Bun.file('docs/configuration.md').text()).toBe(configurationPage())
  })

  test('a copy of .env.example works in development, also with every default written out', () => {
    const lines = envExample().split('\n')
    const settings = lines.flatMap((line) => /^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$/.exec(line) ?? [])
    const environment: Record<string, string> = {}
    for (let at = 0; at < settings.length; at += 3) {
      environment[settings[at + 1] ?? ''] = settings[at + 2] ?? ''
    }
    const { config } = parseConfig({ ...environment, NODE_ENV: 'development' })
    const { config: bare } = parseConfig({ NODE_ENV: 'development' })
    expect({ ...config, host: bare.host }).toEqual(bare)
  })

  test('no secret has a default in production', () => {
    expect(envExample()).not.toMatch(/^# (JWT_SECRET|GEMINI_API_KEY)=/m)
  })
})
