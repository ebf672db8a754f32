import { guarded } from '../guard.ts'
import { answerTo, toPieces } from './answer.ts'
import { type Behaviour, type Call, failure, type Piece, toError } from './behaviour.ts'

export interface GeminiStandInOptions {
  /** 0, the default, takes a free one. */
  port?: number
  /** Decides what each call does; by default an answer that depends on the prompt. */
  behave?: (call: Call) => Behaviour
  /** Between the pieces of an answer, milliseconds. */
  pieceDelayMs?: number
  /** The one key that is accepted; any by default. */
  apiKey?: string
  /** The models that exist; all by default. */
  models?: readonly string[]
}

export interface GeminiStandIn {
  /** The base URL for the SDK. */
  url: string
  /** Oldest first. */
  calls: Call[]
  stop(): Promise<void>
}

interface WireRequest {
  contents?: { role?: string; parts?: { text?: string }[] }[]
  systemInstruction?: { parts?: { text?: string }[] }
}

const CUT = Symbol('drop the connection')
/** Long enough for what was sent before to leave the socket. */
const CUT_AFTER_MS = 5
const ENDLESS = new Promise<never>(() => {})

/** Speaks the Gemini API (generateContent and the SSE streamGenerateContent) over loopback HTTP. */
export function createGeminiStandIn(options: GeminiStandInOptions = {}): GeminiStandIn {
  const calls: Call[] = []
  const behave = options.behave ?? (() => ({ kind: 'answer' }) satisfies Behaviour)
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: options.port ?? 0,
    idleTimeout: 0,
    fetch: guarded(async (request) => {
      const { pathname } = new URL(request.url)
      const known = (model: string) => options.models?.includes(model) ?? true
      const given = request.headers.get('x-goog-api-key')
      if (options.apiKey !== undefined && given !== options.apiKey) {
        return failure({ status: 400, message: 'API key not valid. Please pass a valid API key.' })
      }
      const model = /^\/v1beta\/models\/([^/:]+)$/.exec(pathname)?.[1]
      if (model !== undefined && request.method === 'GET') {
        if (!known(model)) return failure({ status: 404, message: `models/${model} is not found` })
        return Response.json({ name: `models/${model}`, inputTokenLimit: 1_048_576 })
      }
      const path = /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(
        pathname,
      )
      if (!path || request.method !== 'POST' || !known(path[1] ?? '')) {
        return failure({ status: 404, message: 'NOT_FOUND: no such method or model' })
      }
      // Written by the real SDK.
      const body = (await request.json()) as WireRequest
      const call = toCall(path[1] ?? '', path[2] === 'streamGenerateContent', request, body)
      calls.push(call)
      return respond(call, behave(call), options.pieceDelayMs ?? 0)
    }),
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    calls,
    stop: () => server.stop(true),
  }
}

function toCall(model: string, streamed: boolean, request: Request, body: WireRequest): Call {
  const join = (parts: { text?: string }[] | undefined) =>
    (parts ?? []).map(({ text }) => text ?? '').join('')
  const contents = (body.contents ?? []).map(({ role, parts }) => ({
    role: role ?? 'user',
    text: join(parts),
  }))
  return {
    model,
    streamed,
    apiKey: request.headers.get('x-goog-api-key') ?? '',
    system: join(body.systemInstruction?.parts),
    contents,
    prompt: contents.at(-1)?.text ?? '',
    receivedAt: performance.now(),
    isLeft: new Promise((resolve) => {
      request.signal.addEventListener('abort', () => resolve())
    }),
  }
}

async function respond(call: Call, behaviour: Behaviour, delayMs: number): Promise<Response> {
  const own = toPieces(answerTo(call))
  switch (behaviour.kind) {
    case 'status':
      return failure(behaviour, behaviour)
    case 'error':
      return send(call, failing(pieces(own.slice(0, behaviour.pieces ?? 0), delayMs), behaviour))
    case 'raw':
      return raw(behaviour)
    case 'malformed':
      return new Response('data: {"candidates": [nonsense\n\n', sse)
    case 'empty':
      return send(call, [{ candidates: [], usageMetadata: usageOf(call, '') }])
    case 'hang':
      if (behaviour.pieces === undefined) return ENDLESS
      // An empty piece before all: Bun sends the headers only with the first bytes.
      return send(call, pieces(['', ...own.slice(0, behaviour.pieces)], delayMs), () => ENDLESS)
    case 'cut':
      return send(call, pieces(own.slice(0, behaviour.pieces), delayMs), () => CUT)
    case 'unfinished':
      return send(call, pieces(own.slice(0, behaviour.pieces), delayMs))
    case 'block':
      if (behaviour.at === 'prompt') {
        return send(call, [{ promptFeedback: { blockReason: behaviour.reason } }])
      }
      return send(call, blocked(own.slice(0, behaviour.pieces ?? 0), behaviour.reason, delayMs))
    case 'answer':
      return send(call, answer(call, behaviour, own, behaviour.pieceDelayMs ?? delayMs))
  }
}

async function* answer(
  call: Call,
  behaviour: Behaviour & { kind: 'answer' },
  own: string[],
  delayMs: number,
): AsyncGenerator<object> {
  let text = ''
  const { modelVersion, modelStatus } = behaviour
  const about = { ...(modelVersion && { modelVersion }), ...(modelStatus && { modelStatus }) }
  for await (const chunk of pieces(behaviour.pieces ?? own, delayMs, (piece) => {
    text += piece
  })) {
    yield { ...chunk, ...about }
  }
  yield {
    ...about,
    candidates: [
      {
        content: { role: 'model', parts: [{ text: '' }] },
        finishReason: behaviour.finishReason ?? 'STOP',
        index: 0,
      },
    ],
    usageMetadata: behaviour.usage ?? usageOf(call, text),
  }
}

async function* blocked(own: string[], reason: string, delayMs: number): AsyncGenerator<object> {
  yield* pieces(own, delayMs)
  yield { candidates: [{ finishReason: reason, index: 0 }] }
}

async function* pieces(
  texts: Iterable<Piece> | AsyncIterable<Piece>,
  delayMs: number,
  seen: (piece: string) => void = () => {},
): AsyncGenerator<object> {
  for await (const piece of texts) {
    if (delayMs > 0) await Bun.sleep(delayMs)
    const part = typeof piece === 'string' ? { text: piece } : piece
    seen(part.text)
    yield { candidates: [{ content: { role: 'model', parts: [part] }, index: 0 }] }
  }
}

async function* failing(
  before: AsyncIterable<object>,
  fault: Parameters<typeof toError>[0],
): AsyncGenerator<object> {
  yield* before
  yield toError(fault)
}

function raw({ chunks, contentType }: Behaviour & { kind: 'raw' }): Response {
  const stream = new ReadableStream<string | Uint8Array>({
    async start(controller) {
      for await (const chunk of chunks) {
        controller.enqueue(chunk)
        // So that each chunk leaves by itself.
        await Bun.sleep(1)
      }
      controller.close()
    },
  })
  return new Response(stream, { headers: { 'content-type': contentType ?? 'text/event-stream' } })
}

const sse = { headers: { 'content-type': 'text/event-stream' } }

async function send(
  call: Call,
  chunks: Iterable<object> | AsyncIterable<object>,
  then: () => unknown = () => {},
): Promise<Response> {
  if (!call.streamed) {
    const all: object[] = []
    for await (const chunk of chunks) all.push(chunk)
    await then()
    return Response.json(merge(all))
  }
  let left = false
  const stream = new ReadableStream<string>({
    cancel() {
      left = true
    },
    async start(controller) {
      for await (const chunk of chunks) {
        if (left) return
        controller.enqueue(`data: ${JSON.stringify(chunk)}\r\n\r\n`)
      }
      const end = await then()
      if (left) return
      if (end !== CUT) return controller.close()
      await Bun.sleep(CUT_AFTER_MS)
      // With an error given Bun would print it; without, it only resets the connection.
      controller.error()
    },
  })
  return new Response(stream, sse)
}

/** The one answer of generateContent, from what would have been streamed. */
function merge(chunks: object[]): object {
  const text = JSON.stringify(chunks).matchAll(/"text":("(?:[^"\\]|\\.)*")/g)
  const parts = [{ text: [...text].map((match) => JSON.parse(match[1] ?? '""')).join('') }]
  const last = chunks.at(-1) ?? {}
  if (!('candidates' in last) || !Array.isArray(last.candidates) || last.candidates.length === 0)
    return last
  return { ...last, candidates: [{ ...last.candidates[0], content: { role: 'model', parts } }] }
}

function usageOf(call: Call, text: string) {
  const length =
    call.system.length + call.contents.reduce((sum, content) => sum + content.text.length, 0)
  const promptTokenCount = Math.ceil(length / 4)
  const candidatesTokenCount = Math.ceil(text.length / 4)
  return {
    promptTokenCount,
    candidatesTokenCount,
    totalTokenCount: promptTokenCount + candidatesTokenCount,
  }
}
