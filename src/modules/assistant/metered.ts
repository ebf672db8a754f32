import type { Clock } from '#src/lib/clock.ts'
import type { Meters, ProviderOutcome } from '#src/lib/meters.ts'
import { type Assistant, AssistantFault, type FaultKind } from './assistant.ts'

const outcomes: Record<FaultKind, ProviderOutcome> = {
  'rate-limited': 'limited',
  overloaded: 'unavailable',
  'model-gone': 'refused',
  broken: 'unavailable',
  refused: 'refused',
  key: 'refused',
  blocked: 'blocked',
}

/** Counts each call by how it ended, and its tokens. */
export function createMeteredAssistant(
  assistant: Assistant,
  meters: Meters,
  clock: Clock,
): Assistant {
  return {
    async *stream(request, signal) {
      const startedAt = clock.now()
      let outcome: ProviderOutcome = 'aborted'
      try {
        const ending = yield* assistant.stream(request, signal)
        outcome = 'ok'
        if (ending.usage) meters.tokens(ending.usage.promptTokens, ending.usage.replyTokens)
        return ending
      } catch (error) {
        if (error instanceof AssistantFault) outcome = outcomes[error.kind]
        throw error
      } finally {
        meters.providerCall('gemini', outcome, clock.now() - startedAt)
      }
    },
  }
}
