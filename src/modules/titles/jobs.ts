import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { type Effect, effect, type Job, type JobKind, type ProviderLimit } from '#src/queue/job.ts'
import type { Assistant, AssistantFault } from '../assistant/assistant.ts'
import type { Quotas } from '../quota/service.ts'
import { createNameRoom, getFirstExchange, TITLE_KIND } from './commands.ts'
import { titlePrompt, toTitle } from './title.ts'

const INSTRUCTION = 'You name conversations.'

export interface TitleDeps {
  database: Database
  assistant: Assistant
  clock: Clock
  /** Tried in order. */
  models: readonly string[]
  provider: ProviderLimit
  quotas: Pick<Quotas, 'beforeRetry' | 'countCall' | 'countText'>
  isFault(error: unknown): error is AssistantFault
  /** What the queue is to do after a fault. */
  toQueueError(fault: AssistantFault): Error
}

/**
 * Job kind `chatroom.title`: names a room after its first exchange with one cheap call that no user pays. A passing fault
 * is tried again as often as the queue tries a reply, and until the deadline that the job was given.
 */
export function title(deps: TitleDeps): JobKind<{ roomId: string }> {
  const name = createNameRoom(deps.quotas)
  return {
    kind: TITLE_KIND,
    // A name may come later; replies go first.
    concurrency: 2,
    provider: deps.provider,
    beforeRetry: deps.quotas.beforeRetry,
    parse: parseTitleBody,
    run: (job, signal) => nameRoom({ ...deps, name }, job, signal),
  }
}

async function nameRoom(
  deps: TitleDeps & { name: ReturnType<typeof createNameRoom> },
  { owner, body: { roomId } }: Job<{ roomId: string }>,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { database, assistant, clock, models } = deps
  const exchange = await database.read(getFirstExchange, { roomId })
  if (!exchange) return undefined
  const prompt = titlePrompt(exchange.prompt, exchange.reply)
  let answer = ''
  try {
    const countCall = async () => owner !== null && (await deps.quotas.countCall(owner))
    const request = { models, system: INSTRUCTION, history: [], prompt, countCall }
    for await (const piece of assistant.stream(request, signal)) answer += piece
  } catch (error) {
    if (signal.aborted || !deps.isFault(error)) throw error
    throw deps.toQueueError(error)
  }
  const named = toTitle(answer)
  return named === undefined
    ? undefined
    : effect(deps.name, { roomId, title: named, now: clock.now() })
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
