import { MINUTE, SECOND } from '#src/lib/time.ts'
import { AssistantFault } from '#src/modules/assistant/assistant.ts'
import { createGemini } from '#src/modules/assistant/gemini.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { createGeminiStandIn } from '#standins/gemini/server.ts'
import { createFakeClock, turns } from './fake-clock.ts'

const timeouts = {
  headers: 60 * SECOND,
  silence: 60 * SECOND,
  firstText: 5 * MINUTE,
  reply: 10 * MINUTE,
}

/** Asks a model at an address, through the real SDK, with a clock that the test moves. */
export function askAt(baseUrl: string) {
  const clock = createFakeClock()
  const retirements: string[] = []
  let looks = 0
  const now = () => {
    looks += 1
    return clock.now()
  }
  const ask = createGemini({
    apiKey: 'key',
    baseUrl,
    clock: { ...clock, now },
    timeouts,
    onRetirement: (model, retirement) => retirements.push(`${model} ${retirement}`),
  })
  const controller = new AbortController()
  const question = { system: 'short', history: [], prompt: 'What is up?' }
  return {
    clock,
    controller,
    retirements,
    stream: ask('model', question, controller.signal),
    /** Lets something arrive that nobody is shown, such as a thought: the adapter then looks at the clock. */
    async arrivalOf(send: () => void) {
      const before = looks
      send()
      while (looks === before) await turns(1)
    },
  }
}

/** One call of a provider that behaves so, with its pieces gathered. Stop it when done. */
export function callGemini(behaviour: Behaviour) {
  const gemini = createGeminiStandIn({ behave: () => behaviour })
  const call = askAt(gemini.url)
  const pieces: string[] = []
  const outcome = (async () => {
    try {
      for (;;) {
        const next = await call.stream.next()
        if (next.done) return next.value
        pieces.push(next.value)
      }
    } catch (error) {
      return error
    }
  })()
  return {
    ...call,
    gemini,
    pieces,
    /** How it ended, or what it threw. */
    outcome,
    async called() {
      while (gemini.calls.length === 0) await turns(1)
    },
    async heard(count: number) {
      while (pieces.length < count) await turns(1)
    },
    [Symbol.asyncDispose]: () => gemini.stop(),
  }
}

/** The text and the end of an answer: a finish reason, or `<kind>: <reason or message>` of a fault. */
export async function endOf(behaviour: Behaviour): Promise<{ text: string; end: string }> {
  await using call = callGemini(behaviour)
  const outcome = await call.outcome
  return { text: call.pieces.join(''), end: describe(outcome) }
}

export function describe(outcome: unknown): string {
  if (outcome instanceof AssistantFault)
    return `${outcome.kind}: ${outcome.reason ?? outcome.message}`
  if (typeof outcome === 'object' && outcome !== null && 'finishReason' in outcome)
    return String(outcome.finishReason)
  return String(outcome)
}
