import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import { traceIdOf } from '#src/lib/trace.ts'
import { type Effect, effect, type Job, Stopped } from '#src/queue/job.ts'
import type { Assistant, AssistantFault, Ending } from '../assistant/assistant.ts'
import type { Window } from '../assistant/context.ts'
import type { Quotas } from '../quota/service.ts'
import type { LiveReplies } from './live.ts'
import { createPartialSaver } from './partial-saver.ts'
import { getTask, getWindow } from './queries.ts'
import { type createEnd, type ReplyEnd, savePartial } from './reply-end.ts'
import type { ReplyTask } from './statements.ts'

/** How many rooms with a model that is no longer offered are remembered as logged before the list is cleared. */
const MOST_NOTED_ROOMS = 10_000

export interface ReplyDeps {
  database: Database
  end: ReturnType<typeof createEnd>
  live: LiveReplies
  assistant: Assistant
  clock: Clock
  log: Log
  /** For rooms that chose none. `models` are those that a room may choose. */
  defaults: {
    model: string
    models: readonly string[]
    fallbackModels: readonly string[]
    systemPrompt: string
  }
  /** Rooms whose model is no longer offered, which the log has mentioned. */
  notedRooms: Set<string>
  /** Of the window: instruction, past exchanges and prompt. */
  contextTokens: number
  quotas: Pick<Quotas, 'countCall'>
  isFault(error: unknown): error is AssistantFault
  /** What the queue is to do after a fault. */
  toQueueError(fault: AssistantFault): Error
}

/** One attempt at a reply: streams the answer, stores it as it grows, and returns how it ended. */
export async function answerPrompt(
  deps: ReplyDeps,
  job: Job<{ replyId: string }>,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const { database, clock, defaults } = deps
  const task = await database.read(getTask, { replyId: job.body.replyId })
  if (!task) return undefined
  const { roomId, prompt, promptPosition } = task
  const system = task.systemPrompt ?? defaults.systemPrompt
  const past = { roomId, before: promptPosition, system, prompt, budget: deps.contextTokens }
  const window = await database.read(getWindow, past)
  const progress = { text: '' }
  const end = (status: ReplyEnd['status'], more: Pick<ReplyEnd, 'content'> & Partial<ReplyEnd>) =>
    effect(deps.end, {
      replyId: task.replyId,
      status,
      attempt: job.attempt,
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
    if (error.kind === 'refused' || error.kind === 'model-gone') {
      const about = { job: job.id, traceId: traceIdOf(job.trace), err: error }
      deps.log.error(about, 'the provider refuses a request for good')
    }
    throw deps.toQueueError(error)
  }
}

async function consume(
  deps: ReplyDeps,
  job: Job<{ replyId: string }>,
  task: ReplyTask,
  system: string,
  window: Window,
  signal: AbortSignal,
  progress: { text: string },
): Promise<Ending> {
  const { database, live, assistant, clock } = deps
  const attempt = { replyId: task.replyId, jobId: job.id, attempt: job.attempt }
  const models = [...new Set([modelOf(deps, task), ...deps.defaults.fallbackModels])]
  // The only place where a reply calls the provider.
  const pieces = assistant.stream(
    {
      models,
      system,
      history: window.turns,
      prompt: task.prompt,
      countCall: () => deps.quotas.countCall(task.userId),
    },
    signal,
  )
  const writer = live.start(task.roomId, {
    replyId: task.replyId,
    position: task.replyPosition,
    attempt: job.attempt,
  })
  const saver = createPartialSaver(clock, (content) =>
    database.run(savePartial, { ...attempt, content }),
  )
  try {
    for (;;) {
      const next = await pieces.next()
      if (next.done) return next.value
      progress.text += next.value
      writer.append(next.value)
      saver.grow(progress.text)
      if (saver.isLost)
        throw new Error('the attempt lost its job while the reply was being written')
    }
  } finally {
    await Promise.all([saver.stop(), pieces.return(neverEnding())])
  }
}

/** The return value of a generator that is closed early, which nothing reads. */
function neverEnding(): Ending {
  return { model: '', finishReason: '', usage: null }
}

/** The room's own model, or the default where that is no longer offered. */
function modelOf({ defaults, notedRooms, log }: ReplyDeps, { model, roomId }: ReplyTask): string {
  if (model === null || defaults.models.includes(model)) return model ?? defaults.model
  if (!notedRooms.has(roomId)) {
    if (notedRooms.size >= MOST_NOTED_ROOMS) notedRooms.clear()
    notedRooms.add(roomId)
    log.warn(
      { roomId, model },
      'the model of a room is no longer offered: the default model answers',
    )
  }
  return defaults.model
}
