import type { Deps } from './deps.ts'
import { createAlarms } from './lib/alarm.ts'
import { lazy } from './lib/lazy.ts'
import { noMeters } from './lib/meters.ts'
import { SECOND, toInstant } from './lib/time.ts'
import { AssistantFault } from './modules/assistant/assistant.ts'
import { createGemini } from './modules/assistant/gemini.ts'
import { createMeteredModels } from './modules/assistant/metered.ts'
import { createAssistant } from './modules/assistant/models.ts'
import { toQueueError } from './modules/assistant/queue-error.ts'
import { createCalendar } from './modules/quota/day.ts'
import type { ProviderAccount } from './queue/job.ts'
import {
  KEY_CHECK_MS,
  type Pause,
  pauseModel,
  readPauses,
  resumeModels,
  returnProviderSlot,
  takeProviderSlot,
} from './queue/provider-limits.ts'
import type { Queue } from './queue/queue.ts'

const PROVIDER = 'gemini'
/** Whose midnight begins a day of Gemini's quotas (ai.google.dev/gemini-api/docs/rate-limits). */
const QUOTA_TIMEZONE = 'America/Los_Angeles'

/** The provider of answers: its models, their pauses, and whether anything can be answered. */
export function createProvider(
  { config, database, clock, log, meters = noMeters }: Deps,
  queue: Queue,
) {
  const limit = { ...accountOf(config), rpm: config.providerRpm }
  // Loading the world's time zones takes 10 ms of a start.
  const day = lazy(() => createCalendar(QUOTA_TIMEZONE))
  const retiring = new Set<string>()
  const gemini = createGemini({
    apiKey: config.geminiApiKey,
    baseUrl: config.geminiBaseUrl,
    clock,
    timeouts: {
      headers: config.geminiHeadersSeconds * SECOND,
      silence: config.geminiSilenceSeconds * SECOND,
      firstText: config.geminiFirstTextSeconds * SECOND,
      reply: config.geminiReplySeconds * SECOND,
    },
    onRetirement(model, retirement) {
      if (retiring.has(model)) return
      retiring.add(model)
      log.warn({ model, retirement }, 'the provider is going to switch a model off')
    },
  })

  const pauses = (): Promise<Pause[]> =>
    database.read(readPauses, { name: limit.name, account: limit.account, now: clock.now() })

  /** What `resumeModels` needs to lift the pause of a model, of the key (an empty name), or all (null). */
  function resumption(model: string | null) {
    const kinds = [...queue.kinds.values()].filter(({ provider }) => provider?.name === PROVIDER)
    return { name: PROVIDER, model, kinds: kinds.map(({ kind }) => kind), now: clock.now() }
  }

  const assistant = createAssistant({
    ask: createMeteredModels(gemini, meters, clock),
    clock,
    log,
    raise: createAlarms({ log, clock, meters }),
    readPauses: pauses,
    pause: (pause) => database.run(pauseModel, { ...limit, ...pause, now: clock.now() }),
    async releaseKey() {
      await database.run(resumeModels, resumption(''))
    },
    quotaResetsAt: (now) => day()(now).endsAt,
    async takeSlot() {
      if (limit.rpm === 0) return 0
      return await database.run(takeProviderSlot, { ...limit, now: clock.now() })
    },
    async returnSlot() {
      if (limit.rpm === 0) return
      await database.run(returnProviderSlot, { ...limit, now: clock.now() })
    },
  })

  /**
   * Asks one short question with a key that was refused, where no prompt waits that would: `/readyz` keeps prompts away, so
   * that a key which works again would never be noticed.
   */
  async function checkKey(signal: AbortSignal): Promise<void> {
    const now = clock.now()
    const key = (await pauses()).find(({ reason }) => reason === 'key')
    if (!key || key.until > now) return
    await database.run(pauseModel, { ...limit, ...key, until: now + KEY_CHECK_MS, now })
    const request = {
      models: [config.geminiModel],
      system: 'Answer with one word.',
      history: [],
      prompt: 'Hi',
      countCall: async () => true,
    }
    try {
      for await (const _piece of assistant.stream(request, signal));
    } catch (error) {
      // The assistant has remembered what the fault says about the key.
      if (!(error instanceof AssistantFault)) throw error
    }
  }

  return {
    limit,
    assistant,
    checkKey,
    toQueueError,
    isFault: (error: unknown): error is AssistantFault => error instanceof AssistantFault,
    pauses,
    resumption,
    /** For `/readyz`: why no prompt at all can be answered now. */
    async notReady(): Promise<string[]> {
      const now = await pauses()
      if (now.some(({ reason }) => reason === 'key')) {
        return ['provider-key: the provider refuses GEMINI_API_KEY.']
      }
      const models = new Set([
        config.geminiModel,
        ...config.geminiModels,
        ...config.geminiFallbackModels,
      ])
      if ([...models].some((model) => !now.some((pause) => pause.model === model))) return []
      const until = Math.min(...now.map((pause) => pause.until))
      return [`provider-paused: every model is paused, the first until ${toInstant(until)}.`]
    },
  }
}

/** Tells one key and address from another, and neither can be read from it. */
export function accountOf(config: Deps['config']): ProviderAccount {
  const { geminiApiKey, geminiBaseUrl = '' } = config
  const hash = new Bun.CryptoHasher('sha256').update(`${geminiBaseUrl}\n${geminiApiKey}`)
  return { name: PROVIDER, account: hash.digest('hex').slice(0, 16) }
}
