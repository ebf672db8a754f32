import type { Clock } from '#src/lib/clock.ts'
import type { Meters, ProviderOutcome } from '#src/lib/meters.ts'
import { type AskModel, AssistantFault, type FaultKind } from './assistant.ts'

const outcomes: Record<FaultKind, ProviderOutcome> = {
  'rate-limited': 'limited',
  exhausted: 'limited',
  overloaded: 'unavailable',
  'model-gone': 'refused',
  broken: 'unavailable',
  refused: 'refused',
  key: 'refused',
  blocked: 'blocked',
}

/** Counts each call of a model by how it ended, and its tokens. */
export function createMeteredModels(ask: AskModel, meters: Meters, clock: Clock): AskModel {
  return async function* metered(model, question, signal) {
    const startedAt = clock.now()
    let outcome: ProviderOutcome = 'aborted'
    try {
      const ending = yield* ask(model, question, signal)
      outcome = 'ok'
      if (ending.usage) meters.tokens(ending.usage.promptTokens, ending.usage.replyTokens)
      return ending
    } catch (error) {
      if (error instanceof AssistantFault) outcome = outcomes[error.kind]
      throw error
    } finally {
      meters.providerCall('gemini', outcome, clock.now() - startedAt)
    }
  }
}
