import { type Cursors, type Page, toPage } from '#src/lib/page.ts'
import type { SearchHit } from './model.ts'
import type { SearchStore } from './store.ts'

export interface Search {
  /**
   * Takes what became final into the index. Not at each message: FTS5 writes a whole segment at each commit, and
   * merges them. A search does it first, so that it finds all that was final before it.
   */
  catchUp(): Promise<void>
  /** Messages of the user that hold every word of the text, newest first. @throws Problem 400 */
  find(
    userId: string,
    query: { text: string; limit: number; cursor: string | undefined },
  ): Promise<Page<SearchHit>>
}

export function createSearch({ store, cursors }: { store: SearchStore; cursors: Cursors }): Search {
  async function catchUp() {
    while (await store.index());
  }
  return {
    catchUp,
    async find(userId, { text, limit, cursor }) {
      const list = ['search', userId, text] as const
      const before = cursor === undefined ? undefined : cursors.decode(list, cursor, ['number'])[0]
      await catchUp()
      const rows = await store.find({ userId, text, limit: limit + 1, before })
      return toPage(
        rows,
        limit,
        ({ hit }) => hit,
        ({ key }) => cursors.encode(list, [key]),
      )
    },
  }
}
