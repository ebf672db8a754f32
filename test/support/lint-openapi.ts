import { createConfig, lintFromString } from '@redocly/openapi-core'

/** Redocly's strict rules; each fault as `rule: message (place)`. */
export async function lintOpenApi(source: string): Promise<string[]> {
  const config = await createConfig({
    extends: ['recommended-strict'],
    // A public GET without parameters has nothing to refuse.
    rules: { 'operation-4xx-response': 'off' },
  })
  const faults = await lintFromString({ source, absoluteRef: 'openapi.json', config })
  return faults.map(
    ({ ruleId, message, location }) => `${ruleId}: ${message} (${location[0]?.pointer ?? ''})`,
  )
}
