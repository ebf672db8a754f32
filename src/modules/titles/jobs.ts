import type { Clock } from '#src/lib/clock.ts'
import { SECOND } from '#src/lib/time.ts'
import { Discard, type Effect, effect, type JobKind, Snooze } from '#src/queue/job.ts'
import type { ProviderLimit } from '#src/queue/provider.ts'
import type { Assistant, AssistantFault } from '../assistant/assistant.ts'
import type { TitleStore } from './store.ts'
import { titlePrompt, toTitle } from './title.ts'

export const TITLE_KIND = 'chatroom.title'

const INSTRUCTION = 'You name conversations.'
const DEFAULT_PAUSE_MS = 5 * SECOND

export interface TitleDeps {
  store: TitleStore
  assistant: Assistant
  clock: Clock
  model: string
  provider: ProviderLimit
  pauseProvider(forMs: number): Promise<void>
  isFault(error: unknown): error is AssistantFault
}

/** Job kind `chatroom.title`: names a room after its first exchange with one cheap call that no user pays. */
export function title(deps: TitleDeps): JobKind<{ roomId: string }> {
  return {
    kind: TITLE_KIND,
    // A name may come later; replies go first.
    concurrency: 2,
    provider: deps.provider,
    parse: parseTitleBody,
    run: (job, signal) => nameRoom(deps, job.body.roomId, signal),
  }
}

async function nameRoom(
  deps: TitleDeps,
  roomId: string,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { store, assistant, clock, model } = deps
  const exchange = await store.firstExchange(roomId)
  if (!exchange) return undefined
  const prompt = titlePrompt(exchange.prompt, exchange.reply)
  let answer = ''
  try {
    const request = { models: [model], system: INSTRUCTION, history: [], prompt }
    for await (const piece of assistant.stream(request, signal)) answer += piece
  } catch (error) {
    if (signal.aborted || !deps.isFault(error)) throw error
    if (error.kind !== 'rate-limited') throw new Discard(`title-${error.kind}`, error.message)
    const pauseMs = error.retryAfterMs ?? DEFAULT_PAUSE_MS
    await deps.pauseProvider(pauseMs)
    throw new Snooze(pauseMs, 'the provider asked to wait')
  }
  const name = toTitle(answer)
  return name === undefined
    ? undefined
    : effect(store.name, { roomId, title: name, now: clock.now() })
}

function parseTitleBody(body: unknown): { roomId: string } {
  if (
    typeof body === 'object' &&
    body !== null &&
    'roomId' in body &&
    typeof body.roomId === 'string'
  ) {
    return { roomId: body.roomId }
  }
  throw new TypeError('A chatroom.title job needs a roomId')
}
