import type { Connection } from '#src/database/command.ts'
import type { JobRow } from './row.ts'
import { BY_ID, LIST } from './sql.ts'

/** What an operator asks of single jobs; stats.ts counts them. */
export function createInspector({ sqlite }: Connection) {
  const list = sqlite.query<JobRow, [Record<string, string | number | null>]>(LIST)
  const byId = sqlite.query<JobRow, [number]>(BY_ID)
  return {
    list: (filter: { state?: string; kind?: string; limit: number }): JobRow[] =>
      list.all({ state: filter.state ?? null, kind: filter.kind ?? null, limit: filter.limit }),
    find: (id: number): JobRow | undefined => byId.get(id) ?? undefined,
  }
}
