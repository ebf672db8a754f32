import { describe, expect, test } from 'bun:test'
import * as order from '#src/queue/order-statements.ts'
import * as life from '#src/queue/statements.ts'
import * as upkeep from '#src/queue/upkeep-statements.ts'
import { createTestQueue } from '#test/support/test-queue.ts'

const { nextRank: _, ...ordering } = order
const { everyColumn: __, ...living } = life
const statements = { ...ordering, ...living, ...upkeep }

/** Every statement of the queue, with what each step of its plan may be, in order. */
const plans: Record<keyof typeof statements, string[]> = {
  findPredecessor: ['key of job_lanes', 'jobs_one_active_per_lane'],
  setLastBlocked: [],
  forgetKey: ['key of job_lanes', 'primary key of jobs'],
  replacePredecessor: ['jobs_behind'],
  findSuccessor: ['jobs_behind'],
  findWaiting: [
    'primary key of jobs',
    'key of job_lanes',
    'SCAN blocked',
    'primary key of jobs',
    'SCAN blocked',
    'jobs_one_active_per_lane',
  ],
  unblockJob: ['primary key of jobs', 'jobs_turn_of_owner', 'job_turns'],
  listDue: ['jobs_due'],
  rankJob: ['primary key of jobs', 'jobs_turn_of_owner', 'job_turns'],
  findNextDue: ['jobs_due'],
  storeServedRank: [],
  findJob: ['primary key of jobs'],
  insertJob: ['jobs_turn_of_owner', 'job_turns'],
  claimJobs: ['primary key of jobs', 'jobs_turn'],
  extendLease: ['primary key of jobs'],
  endAttempt: ['primary key of jobs'],
  releaseAttempt: ['primary key of jobs'],
  recoverJob: ['primary key of jobs'],
  requestStop: ['primary key of jobs'],
  endWaitingJob: ['primary key of jobs'],
  restartJob: ['primary key of jobs'],
  findByDedupeKey: ['jobs_dedupe'],
  listExpired: ['jobs_leased'],
  listOverdue: ['jobs_deadline'],
  listStopping: ['scan of jobs_stopping'],
  findNewest: ['primary key of jobs', 'SEARCH jobs'],
  pruneJobs: ['primary key of jobs', 'jobs_ended_at'],
  findProvider: ['providers', 'provider_pauses'],
  storePause: [],
  // A row for each model at most.
  listPauses: ['provider_pauses'],
  removePauses: ['provider_pauses'],
  holdKey: ['provider_pauses'],
  makeDue: ['jobs_due'],
  storeNextCall: [],
  // Counting reads what it counts, and nothing else: a partial index, where it can without the table.
  countBlocked: ['jobs_behind', 'sort'],
  countReady: ['scan of jobs_turn alone'],
  countRunning: ['jobs_leased', 'sort'],
  countEnded: ['jobs_ended_at', 'sort'],
  // A person's question, asked seldom: it walks back by id.
  listJobs: ['SCAN jobs'],
  // Once each time the clock is set back; the index holds only what waits for an instant.
  setBackJobs: ['scan of jobs_due'],
  // A row for each provider.
  setBackProviders: ['SCAN providers'],
  setBackPauses: ['SCAN provider_pauses'],
}

describe('each statement of the queue uses the index it says', () => {
  const { database } = createTestQueue()
  fill(database.sqlite)
  const expected = new Map(Object.entries(plans))
  for (const [name, statement] of Object.entries(statements)) {
    test(name, () => {
      expect<string[] | undefined>(planOf(database.sqlite, statement.sqlite().text)).toEqual(
        expected.get(name),
      )
    })
  }
})

type Sqlite = ReturnType<typeof createTestQueue>['database']['sqlite']

function planOf(sqlite: Sqlite, sql: string): string[] {
  // With no value bound each parameter is NULL, which does not change a plan.
  return sqlite
    .prepare<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql.replaceAll('?', 'NULL')}`)
    .all()
    .flatMap(({ detail }) => toStep(detail))
}

function toStep(detail: string): string[] {
  const index = /USING (?:COVERING )?INDEX (\w+)/.exec(detail)?.[1]
  if (detail.startsWith('USE TEMP B-TREE')) return ['sort']
  if (detail.startsWith('SEARCH')) {
    if (detail.includes('INTEGER PRIMARY KEY')) return [`primary key of ${detail.split(' ')[1]}`]
    if (detail.includes('USING PRIMARY KEY')) return [`key of ${detail.split(' ')[1]}`]
    return [(index ?? detail).replace(/^sqlite_autoindex_(\w+)_\d+$/, '$1')]
  }
  if (detail.startsWith('SCAN') && detail !== 'SCAN CONSTANT ROW') {
    const alone = detail.includes('COVERING') ? ' alone' : ''
    return [index ? `scan of ${index}${alone}` : detail]
  }
  return []
}

/** Enough rows of every state for the statistics to prefer an index where they can choose. */
function fill(sqlite: Sqlite) {
  sqlite.run(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO jobs (kind, lane, owner, behind, state, turn, body, due_at, created_at, ended_at, lease_until)
    SELECT 'k' || (i % 3), 'lane' || i, 'owner' || (i % 50), CASE WHEN s = 'blocked' THEN i END, s, i, '{}', i, i,
      CASE WHEN s = 'done' THEN i END, CASE WHEN s = 'running' THEN i END
    FROM (SELECT i, CASE i % 4 WHEN 0 THEN 'done' WHEN 1 THEN 'ready' WHEN 2 THEN 'blocked' ELSE 'running' END AS s
      FROM n)`)
  sqlite.run('ANALYZE')
}
