import { GoogleGenerativeAI } from '@google/generative-ai'
import type { Clock } from '#src/lib/clock.ts'
import { type AskModel, AssistantFault, type Ending, type Question } from './assistant.ts'
import { createTextCleaner, firstBytes } from './clean-text.ts'
import { readChunk } from './gemini-chunk.ts'
import { type FailedAnswer, faultOfAnswer } from './gemini-faults.ts'
import { toSdkStream } from './gemini-frames.ts'
import { createTimeLimits, type TimeLimits, type Timeouts } from './time-limits.ts'

/** A reply holds at most so many bytes of UTF-8; a longer one ends here, as with MAX_TOKENS. */
const MAX_REPLY_BYTES = 1_000_000
/** What is read of an error answer. */
const MAX_ERROR_BYTES = 64_000

interface GeminiOptions {
  apiKey: string
  /** Another address of the API, such as the stand-in's. */
  baseUrl: string | undefined
  clock: Clock
  timeouts: Timeouts
  /** Called when an answer says that its model will be switched off. */
  onRetirement?: (model: string, retirement: string) => void
}

/** Gemini through its SDK; the only file that calls it. Its successor is `@google/genai` (docs/decisions/003). */
export function createGemini(options: GeminiOptions): AskModel {
  const { apiKey, baseUrl, clock, timeouts } = options
  const client = new GoogleGenerativeAI(apiKey)

  /** The chunks of an answer. @throws AssistantFault of an error answer, once the headers are there */
  async function open(model: string, { system, history, prompt }: Question, limits: TimeLimits) {
    const turns = [...history, { role: 'user' as const, text: prompt }]
    const contents = turns.map(({ role, text }) => ({ role, parts: [{ text }] }))
    let failed: FailedAnswer | undefined
    const answer: Answer = async (send, [url, init]) => {
      // The SDK hands on an abort that comes later, but not one that came before its request.
      const response = await send(url, { ...init, signal: limits.signal })
      const { status, headers, body } = response
      if (response.ok) {
        if (!body) throw new Error('the answer has no body')
        return new Response(toSdkStream(body, headers.get('content-type'), limits.heard))
      }
      // The SDK drops the headers, and takes an error for a message where it is not the object it expects.
      failed = { status, retryAfter: headers.get('retry-after'), body: await beginningOf(body) }
      return new Response(null, { status })
    }
    try {
      const result = await withFetch(answer, () =>
        client
          .getGenerativeModel(
            { model, systemInstruction: system },
            baseUrl === undefined ? {} : { baseUrl },
          )
          .generateContentStream({ contents }, { signal: limits.signal }),
      )
      // The SDK also gathers the whole answer; nothing waits for that copy, so its failure is of no interest.
      result.response.catch(() => {})
      return result.stream
    } catch (error) {
      throw failed ? faultOfAnswer(failed, clock.now()) : error
    }
  }

  async function* read(
    model: string,
    chunks: AsyncIterable<unknown>,
    limits: TimeLimits,
  ): AsyncGenerator<string, Ending & { isOver: boolean }> {
    const cleaner = createTextCleaner()
    const ending = { model, usage: null as Ending['usage'] }
    let finishReason: string | undefined
    let leftBytes = MAX_REPLY_BYTES
    let isOver = true
    const isEmpty = () => leftBytes === MAX_REPLY_BYTES
    const endFirstText = limits.limit('text', timeouts.firstText)
    const endSilence = limits.limitSilence(timeouts.silence)
    try {
      for await (const given of chunks) {
        const chunk = readChunk(given, clock.now())
        ending.usage = chunk.usage ?? ending.usage
        ending.model = chunk.model ?? ending.model
        finishReason = chunk.finishReason ?? finishReason
        if (chunk.retirement !== undefined) options.onRetirement?.(model, chunk.retirement)
        const text = cleaner.push(chunk.text)
        if (text === '') continue
        endFirstText()
        const piece = firstBytes(text, leftBytes)
        leftBytes -= Buffer.byteLength(piece)
        if (piece !== '') yield piece
        if (piece !== text) return { ...ending, finishReason: 'MAX_TOKENS', isOver: false }
      }
    } catch (error) {
      // What goes wrong behind the end of a whole answer takes nothing from it, and a second one would be paid again.
      const isWhole = finishReason !== undefined && !isEmpty()
      const isWithheld = error instanceof AssistantFault && error.kind === 'blocked'
      if (!isWhole || isWithheld) throw error
      isOver = false
    } finally {
      endFirstText()
      endSilence()
    }
    const rest = cleaner.end()
    if (rest !== '' && leftBytes >= Buffer.byteLength(rest)) {
      leftBytes -= Buffer.byteLength(rest)
      yield rest
    }
    if (isEmpty()) throw new AssistantFault('broken', `the answer was empty (${finishReason})`)
    if (finishReason === undefined) throw new AssistantFault('broken', 'the answer broke off')
    return { ...ending, finishReason, isOver }
  }

  return async function* ask(model, question, signal) {
    const limits = createTimeLimits(clock, signal)
    const endReply = limits.limit('end of the answer', timeouts.reply)
    let isOver = false
    try {
      const endHeaders = limits.limit('headers', timeouts.headers)
      const chunks = await open(model, question, limits).finally(endHeaders)
      const { isOver: isRead, ...ending } = yield* read(model, chunks, limits)
      isOver = isRead
      return ending
    } catch (error) {
      signal.throwIfAborted()
      throw limits.timedOut ?? toFault(error)
    } finally {
      endReply()
      // Also where the caller left the generator early: the provider's connection must not linger.
      limits.close(isOver)
    }
  }
}

/** Cut connections, unreadable answers, DNS and TLS failures: the SDK gives them no type of their own. */
function toFault(error: unknown): AssistantFault {
  if (error instanceof AssistantFault) return error
  return new AssistantFault('broken', error instanceof Error ? error.message : String(error))
}

type Request = Parameters<typeof fetch>
type Answer = (send: typeof fetch, request: Request) => Promise<Response>

/**
 * Has the SDK call `answer` in place of `fetch`, for which it has no option. It looks `fetch` up before its first await,
 * so the exchange lasts for this one synchronous call and no other caller of `fetch` can meet it.
 */
function withFetch<T>(answer: Answer, call: () => T): T {
  const real = globalThis.fetch
  const ours = (...request: Request) => answer(real, request)
  globalThis.fetch = Object.assign(ours, { preconnect: real.preconnect })
  try {
    return call()
  } finally {
    globalThis.fetch = real
  }
}

/** The first bytes of a body, whatever its size. */
async function beginningOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    text += decoder.decode(chunk, { stream: true })
    if (bytes >= MAX_ERROR_BYTES) break
  }
  return text
}
