import type { Clock } from '#src/lib/clock.ts'
import { type Effect, effect, type Job, type JobKind } from '#src/queue/job.ts'
import type { ProviderLimit } from '#src/queue/provider.ts'
import type { Assistant, AssistantFault } from '../assistant/assistant.ts'
import type { TitleStore } from './store.ts'
import { titlePrompt, toTitle } from './title.ts'

export const TITLE_KIND = 'chatroom.title'

const INSTRUCTION = 'You name conversations.'

export interface TitleDeps {
  store: TitleStore
  assistant: Assistant
  clock: Clock
  /** Tried in order. */
  models: readonly string[]
  provider: ProviderLimit
  /** Counts another try of the user; see the quota module. */
  beforeRetrySync: NonNullable<JobKind['beforeRetrySync']>
  countCall(userId: string): Promise<boolean>
  isFault(error: unknown): error is AssistantFault
  /** What the queue is to do after a fault. */
  toQueueError(fault: AssistantFault): Error
}

/**
 * Job kind `chatroom.title`: names a room after its first exchange with one cheap call that no user pays. A passing fault
 * is tried again as often as the queue tries a reply, and until the deadline that the job was given.
 */
export function title(deps: TitleDeps): JobKind<{ roomId: string }> {
  return {
    kind: TITLE_KIND,
    // A name may come later; replies go first.
    concurrency: 2,
    provider: deps.provider,
    beforeRetrySync: deps.beforeRetrySync,
    parse: parseTitleBody,
    run: (job, signal) => nameRoom(deps, job, signal),
  }
}

async function nameRoom(
  deps: TitleDeps,
  { owner, body: { roomId } }: Job<{ roomId: string }>,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { store, assistant, clock, models } = deps
  const exchange = await store.firstExchange(roomId)
  if (!exchange) return undefined
  const prompt = titlePrompt(exchange.prompt, exchange.reply)
  let answer = ''
  try {
    const countCall = async () => owner !== null && (await deps.countCall(owner))
    const request = { models, system: INSTRUCTION, history: [], prompt, countCall }
    for await (const piece of assistant.stream(request, signal)) answer += piece
  } catch (error) {
    if (signal.aborted || !deps.isFault(error)) throw error
    throw deps.toQueueError(error)
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
