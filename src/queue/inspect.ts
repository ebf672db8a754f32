import type { Connection } from '#src/database/command.ts'
import type { JobState } from './job.ts'
import type { JobRow } from './row.ts'
import { BY_ID, LIST, STATS } from './sql.ts'

export interface JobCount {
  kind: string
  state: JobState
  count: number
  /** When the longest waiting one was due; null where all have ended. */
  oldestDueAt: number | null
}

/** What an operator asks of the queue. */
export function createInspector({ sqlite }: Connection) {
  const list = sqlite.query<JobRow, [Record<string, string | number | null>]>(LIST)
  const byId = sqlite.query<JobRow, [number]>(BY_ID)
  const stats = sqlite.query<JobCount, []>(STATS)
  return {
    list: (filter: { state?: string; kind?: string; limit: number }): JobRow[] =>
      list.all({ state: filter.state ?? null, kind: filter.kind ?? null, limit: filter.limit }),
    find: (id: number): JobRow | undefined => byId.get(id) ?? undefined,
    stats: (): JobCount[] => stats.all(),
  }
}
