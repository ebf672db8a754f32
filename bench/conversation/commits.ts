import { type Spread, spread } from '../support/stats.ts'
import type { Sync } from '../support/sync-shim.ts'

/** A prompt: when it was sent, and when the provider was asked for its reply. */
export interface Asked {
  sentAt: number
  receivedAt: number
}

export interface Commits {
  sync: Spread
  /** From the end of the sync to the provider being asked, as its own process sees it. */
  pickup: Spread
  /** Prompts left out, as not one sync but none or several lay between. */
  unclear: number
}

/** The one sync between a prompt and its provider's request is that of its commit; with more it is not clear which. */
export function commitsOf(asked: readonly Asked[], syncs: readonly Sync[]): Commits {
  const found = asked.map(({ sentAt, receivedAt }) => ({
    receivedAt,
    between: syncs.filter(({ from, to }) => from > sentAt && to < receivedAt),
  }))
  const clear = found.flatMap(({ receivedAt, between: [only, ...more] }) =>
    only && more.length === 0 ? [{ took: only.to - only.from, pickup: receivedAt - only.to }] : [],
  )
  return {
    sync: spread(clear.map(({ took }) => took)),
    pickup: spread(clear.map(({ pickup }) => pickup)),
    unclear: asked.length - clear.length,
  }
}
