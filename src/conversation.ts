import { syncCommand } from './database/command.ts'
import type { Deps } from './deps.ts'
import { noMeters } from './lib/meters.ts'
import { createConnectionGuard } from './lib/open-files.ts'
import type { Cursors } from './lib/page.ts'
import { MINUTE } from './lib/time.ts'
import { estimateTokens, fitWindow } from './modules/assistant/context.ts'
import { createEventHub } from './modules/events/hub.ts'
import { createEvents } from './modules/events/service.ts'
import { reply } from './modules/messages/jobs.ts'
import { createLiveReplies } from './modules/messages/live.ts'
import { createMessages } from './modules/messages/service.ts'
import { createMessageStore } from './modules/messages/store.sqlite.ts'
import type { Quotas } from './modules/quota/service.ts'
import { TITLE_KIND, title } from './modules/titles/jobs.ts'
import type { Principal } from './plugins/auth.ts'
import { createProvider } from './provider.ts'
import type { Queue } from './queue/queue.ts'

/** A name that comes later than this is of no use, and each try costs a call. */
const TITLE_DEADLINE_MS = 15 * MINUTE

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
  isSessionAlive: (principal: Principal) => boolean
}) {
  const { config, database, clock, random, log } = deps
  const { notifications } = database
  const meters = deps.meters ?? noMeters
  const store = createMessageStore(database, {
    queue,
    quotas,
    deadlineMs: config.replyDeadlineMinutes * MINUTE,
    onUntitled(tx, { roomId, userId }) {
      // A title that the user did not ask for takes no start that a prompt of today may need.
      if (!config.autoTitle || !quotas.startExtra(tx, userId)) return
      const dedupeKey = `title:${roomId}`
      const deadlineAt = clock.now() + TITLE_DEADLINE_MS
      const job = { kind: TITLE_KIND, owner: userId, body: { roomId }, dedupeKey, deadlineAt }
      queue.enqueue(tx, job)
    },
  })
  const live = createLiveReplies(notifications)
  const provider = createProvider(deps, queue)
  const calls = {
    provider: provider.limit,
    assistant: provider.assistant,
    isFault: provider.isFault,
    toQueueError: provider.toQueueError,
    beforeRetrySync: quotas.beforeRetry,
    countCall: (userId: string) => database.execute(quotas.countCall, { userId }),
  }
  queue.register(
    title({
      database,
      countText: syncCommand<{ userId: string; bytes: number }, void>(
        'quota.count-our-text',
        () =>
          (tx, { userId, bytes }) =>
            quotas.countText(tx, userId, bytes, { isOurs: true }),
      ),
      clock,
      models: [...new Set([config.geminiModel, ...config.geminiFallbackModels])],
      ...calls,
    }),
  )
  queue.register(
    reply({
      store,
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
      ...calls,
      window({ roomId, prompt, promptPosition }, system) {
        const past = store.past({ roomId, before: promptPosition })
        return fitWindow({ system, prompt, budget: config.contextTokens, ...past })
      },
    }),
  )
  const connections = createConnectionGuard({ clock })
  const messages = createMessages({
    store,
    notifications,
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
    store,
    live,
    quota: quotas.read,
    isSessionAlive,
  })
  return { store, messages, events, hub, provider }
}
