import type { Deps } from './deps.ts'
import { noMeters } from './lib/meters.ts'
import { createConnectionGuard } from './lib/open-files.ts'
import type { Cursors } from './lib/page.ts'
import { MINUTE } from './lib/time.ts'
import { estimateTokens } from './modules/assistant/context.ts'
import { createEventHub } from './modules/events/hub.ts'
import { createEvents } from './modules/events/service.ts'
import { reply } from './modules/messages/jobs.ts'
import { createLiveReplies } from './modules/messages/live.ts'
import { getChanges, getPendingReply } from './modules/messages/queries.ts'
import { createCancelPending, createEnd } from './modules/messages/reply-end.ts'
import { createMessages } from './modules/messages/service.ts'
import type { Quotas } from './modules/quota/service.ts'
import { createRequestTitle } from './modules/titles/commands.ts'
import { title } from './modules/titles/jobs.ts'
import type { Principal } from './plugins/auth.ts'
import { createProvider } from './provider.ts'
import type { Queue } from './queue/queue.ts'

/** Builds what a prompt passes on its way to its reply; docs/conversation.md follows one through it. */
export function createConversation({
  deps,
  queue,
  quotas,
  cursors,
  isSessionAlive,
}: {
  deps: Deps
  queue: Queue
  quotas: Quotas
  cursors: Cursors
  isSessionAlive: (principal: Principal) => Promise<boolean>
}) {
  const { config, database, clock, random, log } = deps
  const { notifications } = database
  const meters = deps.meters ?? noMeters
  const onUntitled = createRequestTitle({
    queue,
    isOn: config.autoTitle,
    quotas,
  })
  const end = createEnd({ quotas, onUntitled })
  const live = createLiveReplies(notifications)
  const provider = createProvider(deps, queue)
  const calls = {
    provider: provider.limit,
    assistant: provider.assistant,
    isFault: provider.isFault,
    toQueueError: provider.toQueueError,
    quotas,
  }
  queue.register(
    title({
      database,
      clock,
      models: [...new Set([config.geminiModel, ...config.geminiFallbackModels])],
      ...calls,
    }),
  )
  queue.register(
    reply({
      database,
      end,
      live,
      clock,
      log,
      concurrency: config.workerConcurrency,
      defaults: {
        model: config.geminiModel,
        models: [config.geminiModel, ...config.geminiModels],
        fallbackModels: config.geminiFallbackModels,
        systemPrompt: config.systemPrompt,
      },
      notedRooms: new Set(),
      contextTokens: config.contextTokens,
      ...calls,
    }),
  )
  const connections = createConnectionGuard({ clock })
  const messages = createMessages({
    database,
    queue,
    quotas,
    deadlineMs: config.replyDeadlineMinutes * MINUTE,
    clock,
    random,
    cursors,
    isTooLarge: (prompt) => estimateTokens(prompt) > config.geminiInputTokens,
    isSessionAlive,
    connections,
  })
  const hub = createEventHub({
    notifications,
    clock,
    meters,
    log,
    perUser: config.streamsPerUser,
    connections,
  })
  const events = createEvents({
    hub,
    database,
    messages: { changes: getChanges, pendingReply: getPendingReply },
    live,
    quota: quotas.read,
    isSessionAlive,
  })
  return {
    cancelPending: createCancelPending(queue, end),
    messages,
    events,
    hub,
    provider,
  }
}
