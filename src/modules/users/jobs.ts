import type { Clock } from '#src/lib/clock.ts'
import type { JobKind } from '#src/queue/job.ts'
import { ERASE_KIND } from './erase.sqlite.ts'
import type { UserStore } from './store.ts'

/** Between two commits, so that most of the time is everybody else's. */
const PAUSE_MS = 10

/**
 * Job kind `users.erase`: erases what was too much for the commit that deleted it. Each commit takes a part, so
 * that whatever interrupts it, the next try goes on where it was; hourly maintenance sees to it that there is one.
 */
export function eraseUser({
  store,
  clock,
}: {
  store: Pick<UserStore, 'eraseSome'>
  clock: Clock
}): JobKind<{ userId: string }> {
  return {
    kind: ERASE_KIND,
    concurrency: 1,
    parse,
    async run({ body: { userId } }, signal) {
      while (!(await store.eraseSome({ userId }))) {
        signal.throwIfAborted()
        await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve))
      }
    },
  }
}

function parse(body: unknown): { userId: string } {
  if (typeof body === 'object' && body !== null && 'userId' in body) {
    if (typeof body.userId === 'string') return { userId: body.userId }
  }
  throw new TypeError('A users.erase job needs a userId')
}
