import { t } from 'elysia'
import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { JobKind } from '#src/queue/job.ts'
import { bodyParser } from '#src/queue/job-body.ts'
import { ERASE_KIND, type Erasure, eraseSome } from './erasure.ts'

/** Between two commits, so that other writes get most of the time. */
const PAUSE_MS = 10

const EraseBody = t.Object({
  id: t.String(),
  kind: t.Union([t.Literal('user'), t.Literal('room')]),
})

/**
 * Job kind `users.erase`: erases what was too large for the commit that deleted it. Each commit erases a part, so the next
 * attempt goes on where an interrupted one was; hourly maintenance enqueues one where there is none.
 */
export function eraseUser({
  database,
  clock,
}: {
  database: Database
  clock: Clock
}): JobKind<Erasure> {
  return {
    kind: ERASE_KIND,
    concurrency: 1,
    parse: bodyParser(ERASE_KIND, EraseBody),
    async run({ body }, signal) {
      while (!(await database.run(eraseSome, body))) {
        signal.throwIfAborted()
        await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve))
      }
    },
  }
}
