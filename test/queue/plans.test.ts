import { describe, expect, test } from 'bun:test'
import * as statements from '#src/queue/sql.ts'
import { createTestQueue } from '#test/support/test-queue.ts'

/** Every statement of the queue, with what each step of its plan may be, in order. */
const plans: Record<keyof typeof statements, string[]> = {
  LAST_OF_LANE: ['key of job_lanes', 'jobs_one_active_per_lane'],
  SET_LAST: [],
  FORGET_LANE: ['key of job_lanes', 'primary key of jobs'],
  LEAVE_LANE: ['jobs_behind'],
  WAITS_IN_LANE: [
    'primary key of jobs',
    'key of job_lanes',
    'SCAN parked',
    'primary key of jobs',
    'SCAN parked',
    'jobs_one_active_per_lane',
  ],
  INSERT: ['jobs_turn_of_owner', 'job_turns'],
  RIPE: ['jobs_due'],
  RIPEN: ['primary key of jobs', 'jobs_turn_of_owner', 'job_turns'],
  CLAIM: ['primary key of jobs', 'jobs_turn'],
  SERVED: [],
  HEARTBEAT: ['primary key of jobs'],
  END_CLAIM: ['primary key of jobs'],
  RELEASE_CLAIM: ['primary key of jobs'],
  NEXT_OF_LANE: ['jobs_behind'],
  PROMOTE: ['primary key of jobs', 'jobs_turn_of_owner', 'job_turns'],
  EXPIRED: ['jobs_leased'],
  RESCUE: ['primary key of jobs'],
  BY_ID: ['primary key of jobs'],
  REQUEST_STOP: ['primary key of jobs'],
  END_WAITING: ['primary key of jobs'],
  NEXT_DUE: ['jobs_due'],
  OVERDUE: ['jobs_deadline'],
  STOPPING: ['scan of jobs_stopping'],
  NEWEST: ['primary key of jobs', 'SEARCH jobs'],
  PRUNE: ['primary key of jobs', 'jobs_ended_at'],
  PROVIDER: ['providers', 'provider_pauses'],
  PAUSE: [],
  // A row for each model at most.
  PAUSES: ['provider_pauses'],
  FORGET_PAUSES: ['provider_pauses'],
  HOLD_KEY: ['provider_pauses'],
  HASTEN: ['jobs_due'],
  CHARGE_PROVIDER: [],
  // Counting reads what it counts, and nothing else: a partial index, where it can without the table.
  COUNT_PARKED: ['scan of jobs_behind', 'sort'],
  COUNT_READY: ['scan of jobs_turn alone'],
  COUNT_RUNNING: ['jobs_leased', 'sort'],
  COUNT_ENDED: ['jobs_ended_at', 'sort'],
  // A person's question, asked seldom: it walks back by id.
  LIST: ['SCAN jobs'],
  // Once each time the clock is set back; the index holds only what waits for an instant.
  SET_BACK_JOBS: ['scan of jobs_due'],
  // A row for each provider.
  SET_BACK_PROVIDERS: ['SCAN providers'],
  SET_BACK_PAUSES: ['SCAN provider_pauses'],
  REVIVE: ['primary key of jobs'],
}

describe('each statement of the queue uses the index it says', () => {
  const { database } = createTestQueue()
  fill(database.sqlite)
  const expected = new Map(Object.entries(plans))
  for (const [name, sql] of Object.entries(statements)) {
    test(name, () => {
      expect<string[] | undefined>(planOf(database.sqlite, sql)).toEqual(expected.get(name))
    })
  }
})

type Sqlite = ReturnType<typeof createTestQueue>['database']['sqlite']

function planOf(sqlite: Sqlite, sql: string): string[] {
  // With no value bound each parameter is NULL, which does not change a plan.
  return sqlite
    .prepare<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${sql.replaceAll(/[?$]\w+/g, 'NULL')}`)
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
    SELECT 'k' || (i % 3), 'lane' || i, 'owner' || (i % 50), CASE WHEN s = 'parked' THEN i END, s, i, '{}', i, i,
      CASE WHEN s = 'done' THEN i END, CASE WHEN s = 'running' THEN i END
    FROM (SELECT i, CASE i % 4 WHEN 0 THEN 'done' WHEN 1 THEN 'ready' WHEN 2 THEN 'parked' ELSE 'running' END AS s
      FROM n)`)
  sqlite.run('ANALYZE')
}
