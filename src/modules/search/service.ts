import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import { FOLD_VERSION } from '#src/lib/fold.ts'
import type { Cursors, Page } from '#src/lib/page.ts'
import { spend } from '#src/modules/limits/commands.ts'
import type { Limit } from '#src/modules/limits/limit.ts'
import type { Principal } from '#src/plugins/auth.ts'
import { createFindMessages } from './find-messages.sqlite.ts'
import { hasWaiting, indexSome } from './index-messages.sqlite.ts'
import type { SearchHit } from './model.ts'
import { parseQuery } from './phrases.ts'
import { refoldSome } from './refold.ts'

/** Commits of the index that a search waits for, and that one run of the task makes. */
const COMMITS_OF_SEARCH = 8
const COMMITS_OF_TASK = 30

export interface Search {
  /**
   * Takes what became final into the index, for the task that runs each second. Not at each message: FTS5 writes a whole
   * segment at each commit, and merges them.
   */
  catchUp(): Promise<void>
  /**
   * Messages of the user that hold every word of the text, newest first. What became final before is found too, unless
   * hundreds of messages wait for the index.
   * @throws Problem 400, 422, 429
   */
  find(
    principal: Principal,
    query: { text: string; limit: number; cursor: string | undefined },
  ): Promise<Page<SearchHit>>
}

export function createSearch({
  database,
  clock,
  cursors,
  limitOf,
}: {
  database: Database
  clock: Clock
  cursors: Cursors
  /** How many searches of a user. */
  limitOf(principal: Principal): Limit
}): Search {
  const findMessages = createFindMessages(clock)

  async function index(commits: number) {
    for (let done = 0; done < commits; done++) {
      if (!(await database.read(hasWaiting, undefined))) return
      await database.run(indexSome, undefined)
    }
  }

  return {
    async catchUp() {
      await database.run(refoldSome, undefined)
      await index(COMMITS_OF_TASK)
    },
    async find(principal, { text, limit, cursor }) {
      const { userId } = principal
      // Another version of the fold numbers the partitions anew.
      const list = ['search', userId, text, String(FOLD_VERSION)] as const
      const key =
        cursor === undefined ? undefined : cursors.decode(list, cursor, ['number', 'number'])
      const after = key && { partition: key[0], before: key[1] }
      const phrases = parseQuery(text)
      await database.run(spend, { limits: [limitOf(principal)], now: clock.now() })
      await index(COMMITS_OF_SEARCH)
      if (phrases.length === 0) return { items: [], nextCursor: null }
      const { found, next } = await database.read(findMessages, {
        userId,
        phrases,
        limit,
        after,
      })
      return {
        items: found,
        nextCursor: next ? cursors.encode(list, [next.partition, next.before]) : null,
      }
    },
  }
}
