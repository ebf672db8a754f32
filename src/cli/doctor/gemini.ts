import { Database as Sqlite } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import type { Config } from '#src/config/config.ts'
import { readOnce } from '#src/database/sqlite/statements.ts'
import { SECOND, toInstant } from '#src/lib/time.ts'
import { retirementOf } from '#src/modules/assistant/gemini-chunk.ts'
import { faultOfAnswer } from '#src/modules/assistant/gemini-faults.ts'
import { accountOf } from '#src/provider.ts'
import { readPauses } from '#src/queue/provider-limits.ts'
import { error, type Finding, warning } from './finding.ts'

const GEMINI = 'https://generativelanguage.googleapis.com'
const TIMEOUT_MS = 10 * SECOND
/** One token is enough to see whether a model answers, and what it says of itself. */
const QUESTION = {
  contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
  generationConfig: { maxOutputTokens: 1 },
}

/**
 * Asks Gemini whether it knows the key and each model, and has each model answer once: only an answer says that a model
 * retires, and only a refusal which quota the key has. Costs a few tokens for each model.
 */
export async function geminiFindings(config: Config): Promise<Finding[]> {
  const base = config.geminiBaseUrl ?? GEMINI
  const models = [config.geminiModel, ...config.geminiModels, ...config.geminiFallbackModels]
  const findings: Finding[] = []
  for (const model of new Set(models)) {
    const url = `${base}/v1beta/models/${model}`
    const known = await ask(url, config.geminiApiKey)
    const answer =
      known?.status === 200
        ? await ask(`${url}:generateContent`, config.geminiApiKey, QUESTION)
        : known
    if (answer === undefined) return [unreachable(base)]
    const kind = answer.status === 200 ? undefined : faultOfAnswer(answer, Date.now()).kind
    // Each other model would be refused for the same reason.
    if (kind === 'key' || answer.status === 400) return [refusedKey(answer.status)]
    findings.push(...(kind === undefined ? retiring(model, answer.body) : failing(model, answer)))
  }
  return findings
}

/** What the server remembers of the models it calls; reads the database beside a running server. */
export function pauseFindings(config: Config, now: number): Finding[] {
  if (!existsSync(config.databasePath)) return []
  let sqlite: Sqlite | undefined
  try {
    sqlite = new Sqlite(config.databasePath, { readonly: true })
    const pauses = readOnce(sqlite, readPauses, { ...accountOf(config), now })
    return pauses.flatMap(({ model, reason, until, quotaId }) => {
      if (reason === 'key') return [refusedKey(undefined)]
      return [
        warning(
          'gemini-paused',
          `'${model}' is not called until ${toInstant(until)}: its quota is ${reason}.`,
          'Wait, ask Google for a larger quota, or lift the pause: pollux provider resume',
        ),
        ...(isFreeTier(quotaId) ? [freeTier(quotaId)] : []),
      ]
    })
  } catch {
    // The findings of the database say what is wrong with it.
    return []
  } finally {
    sqlite?.close()
  }
}

function failing(model: string, answer: Answer): Finding[] {
  const { kind, quotaId } = faultOfAnswer(answer, Date.now())
  if (isFreeTier(quotaId)) return [freeTier(quotaId)]
  if (kind === 'model-gone') {
    return [
      error(
        'gemini-model',
        `Gemini has no model '${model}'.`,
        'Correct GEMINI_MODEL, GEMINI_MODELS or GEMINI_FALLBACK_MODELS.',
      ),
    ]
  }
  if (kind === 'exhausted' || kind === 'rate-limited') {
    return [
      warning(
        'gemini-quota',
        `Gemini answers 429 for '${model}': the quota ${quotaId ?? 'of this key'} is used up.`,
        'Wait until it begins anew, or ask Google for a larger one: https://aistudio.google.com/usage',
      ),
    ]
  }
  return [
    warning(
      'gemini',
      `Gemini answers ${answer.status} for '${model}'.`,
      'Try again later; https://status.cloud.google.com',
    ),
  ]
}

function retiring(model: string, body: string): Finding[] {
  let retirement: string | undefined
  try {
    const answer: unknown = JSON.parse(body)
    if (typeof answer === 'object' && answer !== null && 'modelStatus' in answer) {
      retirement = retirementOf(answer.modelStatus)
    }
  } catch {
    return [
      warning('gemini', `What answers for '${model}' is not Gemini.`, 'Check GEMINI_BASE_URL.'),
    ]
  }
  if (retirement === undefined) return []
  return [
    warning(
      'gemini-retiring',
      `Google is going to switch '${model}' off: ${retirement}.`,
      'Choose its successor: https://ai.google.dev/gemini-api/docs/deprecations',
    ),
  ]
}

function refusedKey(status: number | undefined): Finding {
  const shown = status === undefined ? '' : ` (${status})`
  return error(
    'gemini-key',
    `Gemini refuses GEMINI_API_KEY${shown}.`,
    'Make a new one at https://aistudio.google.com/apikey',
  )
}

function unreachable(base: string): Finding {
  return error(
    'gemini',
    `Nothing answers at ${base}.`,
    'Check DNS, the firewall and GEMINI_BASE_URL.',
  )
}

/** Google's terms: "Unpaid Services" (ai.google.dev/gemini-api/terms). */
function freeTier(quotaId: string): Finding {
  return error(
    'gemini-free-tier',
    `GEMINI_API_KEY is of the free tier (${quotaId}): Google trains on its prompts, and its terms do not allow it for users in the EEA, the UK and Switzerland.`,
    'Set up billing for the project of the key: https://aistudio.google.com/apikey',
  )
}

function isFreeTier(quotaId: string | null | undefined): quotaId is string {
  return typeof quotaId === 'string' && /FreeTier/i.test(quotaId)
}

interface Answer {
  status: number
  retryAfter: string | null
  body: string
}

async function ask(url: string, key: string, body?: object): Promise<Answer | undefined> {
  try {
    const answer = await fetch(url, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'x-goog-api-key': key, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const retryAfter = answer.headers.get('retry-after')
    return { status: answer.status, retryAfter, body: await answer.text() }
  } catch {
    return undefined
  }
}
