import { type Spread, spread } from '../support/stats.ts'
import type { Noted } from '../support/sync-shim.ts'

/** A prompt: when it was sent, and when the provider was asked for its reply. */
export interface Asked {
  sentAt: number
  receivedAt: number
}

export interface Commits {
  sync: Spread
  /** From the end of the sync to the request being handed to the kernel. */
  sent: Spread
  /** From the end of the sync to the provider being asked, as its own process sees it. */
  asked: Spread
  /** Prompts left out, as not one sync and one request but none or several lay between. */
  unclear: number
}

/** The one sync between a prompt and its provider's request is that of its commit; with more it is not clear which. */
export function commitsOf(asked: readonly Asked[], noted: Noted): Commits {
  const clear = asked.flatMap(({ sentAt, receivedAt }) => {
    const syncs = noted.syncs.filter(({ from, to }) => from > sentAt && to < receivedAt)
    const requests = noted.requests.filter((at) => at > sentAt && at < receivedAt)
    const [sync] = syncs
    const [request] = requests
    if (!sync || request === undefined || syncs.length > 1 || requests.length > 1) return []
    return [{ took: sync.to - sync.from, sent: request - sync.to, asked: receivedAt - sync.to }]
  })
  return {
    sync: spread(clear.map(({ took }) => took)),
    sent: spread(clear.map(({ sent }) => sent)),
    asked: spread(clear.map(({ asked }) => asked)),
    unclear: asked.length - clear.length,
  }
}
