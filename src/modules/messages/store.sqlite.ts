import type { Database } from '#src/database/sqlite/open.ts'
import { type AcceptDeps, createAccept, createRegenerate } from './sqlite/accept.ts'
import {
  createCancelPending,
  createCancelReply,
  createEnd,
  type EndDeps,
  savePartial,
} from './sqlite/end.ts'
import { createReads } from './sqlite/read.ts'
import type { MessageStore } from './store.ts'

export function createMessageStore(
  database: Database,
  { queue, quotas, deadlineMs, onUntitled }: AcceptDeps & EndDeps,
): MessageStore {
  const accept = createAccept({ queue, quotas, deadlineMs })
  const regenerate = createRegenerate({ queue, quotas, deadlineMs })
  const cancel = createCancelReply(queue)
  const end = createEnd({ quotas, onUntitled })
  return {
    ...createReads(database),
    accept: (input) => database.execute(accept, input),
    regenerate: (input) => database.execute(regenerate, input),
    cancel: (input) => database.execute(cancel, input),
    savePartial: (partial) => database.execute(savePartial, partial),
    end,
    cancelPending: createCancelPending(queue, end),
  }
}
