import {
  type EnhancedGenerateContentResponse,
  type GenerateContentStreamResult,
  GoogleGenerativeAI,
} from '@google/generative-ai'
import type { Clock } from '#src/lib/clock.ts'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { type Assistant, AssistantFault, type AssistantRequest, type Ending } from './assistant.ts'
import { BLOCKED_REASONS, toFault } from './gemini-faults.ts'

export interface GeminiOptions {
  apiKey: string
  /** Another address of the API, such as the stand-in's. */
  baseUrl: string | undefined
  clock: Clock
  timeouts?: Partial<Timeouts>
}

/** Milliseconds. */
interface Timeouts {
  /** Until the provider's answer begins (its headers); Bun's fetch tells no earlier moment. */
  connect: number
  /** From there to the first text. */
  firstPiece: number
  /** Between two pieces. */
  silence: number
  whole: number
}

const TIMEOUTS: Timeouts = {
  connect: 10 * SECOND,
  firstPiece: 30 * SECOND,
  silence: 30 * SECOND,
  whole: 5 * MINUTE,
}

/** Gemini through its SDK; the only file that calls it. Its successor is `@google/genai` (docs/decisions/003). */
export function createGemini({ apiKey, baseUrl, clock, timeouts }: GeminiOptions): Assistant {
  const client = new GoogleGenerativeAI(apiKey)
  const limits = { ...TIMEOUTS, ...timeouts }

  async function open(
    model: string,
    { system, history, prompt }: AssistantRequest,
    signal: AbortSignal,
  ): Promise<GenerateContentStreamResult> {
    const contents = [...history, { role: 'user' as const, text: prompt }]
    const result = await client
      .getGenerativeModel(
        { model, systemInstruction: system },
        baseUrl === undefined ? {} : { baseUrl },
      )
      .generateContentStream(
        { contents: contents.map(({ role, text }) => ({ role, parts: [{ text }] })) },
        { signal },
      )
    // The SDK also gathers the whole answer; nobody waits for that copy, so its failure is nobody's.
    result.response.catch(() => {})
    return result
  }

  /** Opens the first model that takes the request. */
  async function openAny(request: AssistantRequest, signal: AbortSignal) {
    let last: AssistantFault | undefined
    for (const model of request.models) {
      try {
        return { model, result: await open(model, request, signal) }
      } catch (error) {
        if (signal.aborted) throw error
        last = toFault(error)
        if (last.kind !== 'overloaded' && last.kind !== 'model-gone') throw last
      }
    }
    throw last ?? new AssistantFault('refused', 'no model is configured')
  }

  return {
    async *stream(request, signal) {
      const watch = createWatch(clock, signal)
      const endWhole = watch.limit('whole answer', limits.whole)
      let isWhole = false
      try {
        const endConnect = watch.limit('connection', limits.connect)
        const { model, result } = await openAny(request, watch.signal)
        endConnect()
        const ending = yield* readPieces(model, result, watch, limits)
        isWhole = true
        return ending
      } catch (error) {
        signal.throwIfAborted()
        throw watch.timedOut ?? toFault(error)
      } finally {
        endWhole()
        // Also where the caller left the generator early: the provider's connection must not linger.
        watch.close(isWhole)
      }
    },
  }
}

async function* readPieces(
  model: string,
  { stream }: GenerateContentStreamResult,
  watch: Watch,
  limits: Timeouts,
): AsyncGenerator<string, Ending> {
  let finishReason: string | undefined
  let usage: Ending['usage'] = null
  let isEmpty = true
  let endSilence = watch.limit('first piece', limits.firstPiece)
  for await (const chunk of stream) {
    const { text, ended } = readChunk(chunk)
    usage = usageOf(chunk) ?? usage
    finishReason = ended ?? finishReason
    if (text === '') continue
    isEmpty = false
    endSilence()
    yield text
    endSilence = watch.limit('next piece', limits.silence)
  }
  endSilence()
  if (finishReason === undefined) throw new AssistantFault('broken', 'the answer broke off')
  if (isEmpty) throw new AssistantFault('broken', `the answer was empty (${finishReason})`)
  return { model, finishReason, usage }
}

/** The text of a chunk; throws where the provider withholds or spoils the answer. */
function readChunk(chunk: EnhancedGenerateContentResponse): {
  text: string
  ended: string | undefined
} {
  const blockReason = chunk.promptFeedback?.blockReason
  if (blockReason)
    throw new AssistantFault('blocked', 'the prompt was refused', { reason: blockReason })
  const candidate = chunk.candidates?.[0]
  const ended = candidate?.finishReason
  if (ended !== undefined && BLOCKED_REASONS.has(ended)) {
    throw new AssistantFault('blocked', 'the answer was withheld', { reason: ended })
  }
  if (ended !== undefined && ended !== 'STOP' && ended !== 'MAX_TOKENS') {
    throw new AssistantFault('broken', `the answer ended with ${ended}`)
  }
  const text = (candidate?.content?.parts ?? []).map((part) => part.text ?? '').join('')
  return { text, ended }
}

function usageOf({ usageMetadata }: EnhancedGenerateContentResponse): Ending['usage'] {
  if (!usageMetadata) return null
  return {
    promptTokens: usageMetadata.promptTokenCount ?? 0,
    replyTokens: usageMetadata.candidatesTokenCount ?? 0,
  }
}

interface Watch {
  signal: AbortSignal
  /** Set once a limit was passed. */
  readonly timedOut: AssistantFault | undefined
  /** Starts a limit and returns a function that ends it. */
  limit(of: string, ms: number): () => void
  /** A call that is whole has nothing left to abort, and the error made for it would cost as much as the call. */
  close(isWhole: boolean): void
}

/** Aborts the provider's call when the caller does or when a limit is passed. */
function createWatch(clock: Clock, outer: AbortSignal): Watch {
  const controller = new AbortController()
  const follow = () => controller.abort(outer.reason)
  if (outer.aborted) follow()
  outer.addEventListener('abort', follow, { once: true })
  let timedOut: AssistantFault | undefined
  return {
    signal: controller.signal,
    get timedOut() {
      return timedOut
    },
    limit: (of, ms) =>
      clock.after(ms, () => {
        timedOut = new AssistantFault('broken', `no ${of} within ${ms / SECOND} s`)
        controller.abort(timedOut)
      }),
    close(isWhole) {
      outer.removeEventListener('abort', follow)
      if (!isWhole) controller.abort()
    },
  }
}
