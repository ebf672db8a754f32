import { Elysia } from 'elysia'
import { problem } from '#src/lib/problem.ts'

const ASKS_FOR_A_REPLY = /^\/v1\/chatroom\/[^/]+\/message(\/[^/]+\/regenerate)?$/
const RETRY_AFTER_SECONDS = 5

/** Refuses new prompts while the server drains; reading, streaming and cancelling go on. Strangers stay strangers. */
export function createDrain({ draining }: { draining: () => boolean }) {
  return new Elysia({ name: 'drain' }).onBeforeHandle({ as: 'global' }, ({ request }) => {
    if (!draining() || request.method !== 'POST') return
    if (!ASKS_FOR_A_REPLY.test(new URL(request.url).pathname)) return
    throw problem('shutting-down', {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS), connection: 'close' },
    })
  })
}
