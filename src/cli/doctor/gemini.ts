import type { Config } from '#src/config/config.ts'
import { SECOND } from '#src/lib/time.ts'
import { error, type Finding, warning } from './finding.ts'

const GEMINI = 'https://generativelanguage.googleapis.com'
const TIMEOUT_MS = 10 * SECOND

/** Asks Gemini whether it knows the key and each model; costs no tokens. */
export async function geminiFindings(config: Config): Promise<Finding[]> {
  const base = config.geminiBaseUrl ?? GEMINI
  const models = [config.geminiModel, ...config.geminiModels, ...config.geminiFallbackModels]
  const findings: Finding[] = []
  for (const model of new Set(models)) {
    const status = await ask(`${base}/v1beta/models/${model}`, config.geminiApiKey)
    if (status === undefined) {
      return [
        error(
          'gemini',
          `Nothing answers at ${base}.`,
          'Check DNS, the firewall and GEMINI_BASE_URL.',
        ),
      ]
    }
    if ([400, 401, 403].includes(status)) {
      return [
        error(
          'gemini-key',
          `Gemini refuses GEMINI_API_KEY (${status}).`,
          'Make a new one at https://aistudio.google.com/apikey',
        ),
      ]
    }
    if (status === 404) {
      findings.push(
        error(
          'gemini-model',
          `Gemini has no model '${model}'.`,
          'Correct GEMINI_MODEL, GEMINI_MODELS or GEMINI_FALLBACK_MODELS.',
        ),
      )
    } else if (status >= 400) {
      findings.push(
        warning(
          'gemini',
          `Gemini answers ${status} for '${model}'.`,
          'Try again later; https://status.cloud.google.com',
        ),
      )
    }
  }
  return findings
}

async function ask(url: string, key: string): Promise<number | undefined> {
  try {
    const answer = await fetch(url, {
      headers: { 'x-goog-api-key': key },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return answer.status
  } catch {
    return undefined
  }
}
