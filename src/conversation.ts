import type { Deps } from './deps.ts'
import { noMeters } from './lib/meters.ts'
import { createConnectionGuard } from './lib/open-files.ts'
import type { Cursors } from './lib/page.ts'
import { AssistantFault } from './modules/assistant/assistant.ts'
import { estimateTokens, fitWindow } from './modules/assistant/context.ts'
import { createGemini } from './modules/assistant/gemini.ts'
import { createMeteredAssistant } from './modules/assistant/metered.ts'
import { createEventHub } from './modules/events/hub.ts'
import { createEvents } from './modules/events/service.ts'
import { reply } from './modules/messages/jobs.ts'
import { createLiveReplies } from './modules/messages/live.ts'
import { createMessages } from './modules/messages/service.ts'
import { createMessageStore } from './modules/messages/store.sqlite.ts'
import type { Quotas } from './modules/quota/service.ts'
import { TITLE_KIND, title } from './modules/titles/jobs.ts'
import { createTitleStore } from './modules/titles/store.sqlite.ts'
import type { Principal } from './plugins/auth.ts'
import { pauseProvider } from './queue/provider.ts'
import type { Queue } from './queue/queue.ts'

const PROVIDER = 'gemini'

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
  isSessionAlive: (principal: Pick<Principal, 'userId' | 'sessionId'>) => boolean
}) {
  const { config, database, clock, random, log } = deps
  const { notifications } = database
  const meters = deps.meters ?? noMeters
  const store = createMessageStore(database, queue, quotas, (tx, { roomId, userId }) => {
    if (!config.autoTitle) return
    const dedupeKey = `title:${roomId}`
    queue.enqueue(tx, { kind: TITLE_KIND, owner: userId, body: { roomId }, dedupeKey })
  })
  const live = createLiveReplies(notifications)
  const assistant = createMeteredAssistant(
    createGemini({ apiKey: config.geminiApiKey, baseUrl: config.geminiBaseUrl, clock }),
    meters,
    clock,
  )
  const calls = {
    provider: { name: PROVIDER, rpm: config.providerRpm },
    pauseProvider: (forMs: number) =>
      database.execute(pauseProvider, { name: PROVIDER, until: clock.now() + forMs }),
    isFault: (error: unknown) => error instanceof AssistantFault,
  }
  queue.register(
    title({
      store: createTitleStore(database),
      assistant,
      clock,
      model: config.geminiModel,
      ...calls,
    }),
  )
  queue.register(
    reply({
      store,
      live,
      assistant,
      clock,
      log,
      concurrency: config.workerConcurrency,
      defaults: {
        model: config.geminiModel,
        fallbackModels: config.geminiFallbackModels,
        systemPrompt: config.systemPrompt,
      },
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
  const toldReplyIn = (roomId: string) => {
    const told = live.get(roomId)
    return told && told.length > 0 ? told.replyId : undefined
  }
  return { store, messages, events, hub, toldReplyIn }
}
