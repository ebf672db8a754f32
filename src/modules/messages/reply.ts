import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import { traceIdOf } from '#src/lib/trace.ts'
import {
  Discard,
  type Effect,
  effect,
  type Job,
  RetryAfter,
  Snooze,
  Stopped,
} from '#src/queue/job.ts'
import type { Assistant, AssistantFault, Ending } from '../assistant/assistant.ts'
import type { Window } from '../assistant/context.ts'
import type { LiveReplies } from './live.ts'
import { createPartialSaver } from './partial-saver.ts'
import type { MessageStore, ReplyEnd, ReplyTask } from './store.ts'

/** When a provider says 429 and not for how long. */
const DEFAULT_PAUSE_MS = 5 * SECOND

export interface ReplyDeps {
  store: MessageStore
  live: LiveReplies
  assistant: Assistant
  clock: Clock
  log: Log
  /** What the room did not choose. */
  defaults: { model: string; fallbackModels: readonly string[]; systemPrompt: string }
  window(task: ReplyTask, system: string): Window
  /** Holds every call of the provider back for so long. */
  pauseProvider(forMs: number): Promise<void>
  isFault(error: unknown): error is AssistantFault
}

/** One attempt at a reply: streams the answer, stores it as it grows, and says how it ended. */
export async function answerPrompt(
  deps: ReplyDeps,
  job: Job<{ replyId: string }>,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { store, clock, defaults } = deps
  const task = await store.task(job.body.replyId)
  if (!task) return undefined
  const system = task.systemPrompt ?? defaults.systemPrompt
  const window = deps.window(task, system)
  const progress = { text: '' }
  const end = (
    status: ReplyEnd['status'],
    more: Pick<ReplyEnd, 'content'> & globalThis.Partial<ReplyEnd>,
  ) =>
    effect(store.end, {
      replyId: task.replyId,
      status,
      attempt: job.claims,
      error: null,
      model: null,
      finishReason: null,
      usage: null,
      context: { messages: window.turns.length, characters: window.characters },
      now: clock.now(),
      ...more,
    })
  try {
    const { model, finishReason, usage } = await consume(
      deps,
      job,
      task,
      system,
      window,
      signal,
      progress,
    )
    return end('complete', { content: progress.text, model, finishReason, usage })
  } catch (error) {
    if (signal.aborted && signal.reason === 'stop')
      throw new Stopped(end('cancelled', { content: progress.text }))
    if (signal.aborted || !deps.isFault(error)) throw error
    if (error.kind === 'blocked') {
      const message = 'The provider refused to answer this for safety reasons.'
      return end('blocked', {
        content: '',
        finishReason: error.reason ?? null,
        error: { code: error.reason ?? 'SAFETY', message },
      })
    }
    throw await toQueueError(deps, job, error)
  }
}

async function consume(
  { store, live, assistant, clock, defaults }: ReplyDeps,
  job: Job<{ replyId: string }>,
  task: ReplyTask,
  system: string,
  window: Window,
  signal: AbortSignal,
  progress: { text: string },
): Promise<Ending> {
  const claim = { replyId: task.replyId, jobId: job.id, claims: job.claims }
  const models = [...new Set([task.model ?? defaults.model, ...defaults.fallbackModels])]
  const pieces = assistant.stream(
    { models, system, history: window.turns, prompt: task.prompt },
    signal,
  )
  const writer = live.start(task.roomId, {
    replyId: task.replyId,
    position: task.replyPosition,
    attempt: job.claims,
  })
  const saver = createPartialSaver(clock, (content) => store.savePartial({ ...claim, content }))
  try {
    for (;;) {
      const next = await pieces.next()
      if (next.done) return next.value
      progress.text += next.value
      writer.append(next.value)
      saver.grow(progress.text)
      if (saver.isLost) throw new Error('the claim was lost while the reply was being written')
    }
  } finally {
    await Promise.all([saver.stop(), pieces.return(neverEnding())])
  }
}

/** A generator that is closed early returns what it is given; nobody reads it. */
function neverEnding(): Ending {
  return { model: '', finishReason: '', usage: null }
}

/** What the queue is to do about a fault of the provider. */
async function toQueueError(
  { pauseProvider, log }: ReplyDeps,
  job: Pick<Job<unknown>, 'id' | 'trace'>,
  fault: AssistantFault,
): Promise<Error> {
  const told = { job: job.id, traceId: traceIdOf(job.trace), err: fault }
  switch (fault.kind) {
    case 'rate-limited': {
      const pauseMs = fault.retryAfterMs ?? DEFAULT_PAUSE_MS
      await pauseProvider(pauseMs)
      return new Snooze(pauseMs, 'the provider asked to wait')
    }
    case 'key':
      log.error(
        { alarm: 'provider-key', ...told },
        'the provider refuses our key: set GEMINI_API_KEY',
      )
      return new Discard('provider-key', fault.message)
    case 'refused':
    case 'model-gone':
      log.error(told, 'the provider refuses a request for good')
      return new Discard(`provider-${fault.kind}`, fault.message)
    case 'blocked':
    case 'overloaded':
    case 'broken':
      return fault.retryAfterMs === undefined
        ? fault
        : new RetryAfter(fault.retryAfterMs, fault.kind, fault.message)
  }
}
