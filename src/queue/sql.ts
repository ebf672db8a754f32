/** The statements of the queue. Each that depends on an index says which one; test/queue/plans.test.ts holds them to it. */

/**
 * The turn of a job that becomes ready: one after the owner's own last waiting one, but at least one after
 * the turn served last. So a newcomer waits for one job of each owner at most, an owner with a thousand
 * rooms queues behind itself, and nobody can push in before it for ever (start-time fair queueing).
 * Uses jobs_turn_of_owner and the primary key of job_turns. The inner table has a name of its own, or
 * `jobs.owner` would mean its row and not the one being updated.
 */
function turn(kind: string, owner: string): string {
  return `max(
    coalesce((SELECT max(own.turn) + 1 FROM jobs AS own
      WHERE own.kind = ${kind} AND own.owner = ${owner} AND own.state = 'ready'), 0),
    coalesce((SELECT job_turns.served + 1 FROM job_turns WHERE job_turns.kind = ${kind}), 0))`
}

/**
 * Of the statements that run for each job none says RETURNING: SQLite does that by a trigger, with a copy of each
 * page the statement changes, and what it would return is known or cheaper to read.
 *
 * The last that is parked in the lane, or else the one under way. Uses the key of job_lanes, jobs_one_active_per_lane.
 */
export const LAST_OF_LANE = `
  SELECT coalesce((SELECT last FROM job_lanes WHERE lane = ?1),
    (SELECT id FROM jobs WHERE lane = ?1 AND state IN ('ready', 'running'))) AS last`

export const SET_LAST = `
  INSERT INTO job_lanes (lane, last) VALUES (?1, ?2) ON CONFLICT (lane) DO UPDATE SET last = excluded.last`

/** A lane in which nobody is parked any more. */
export const FORGET_LANE = `
  DELETE FROM job_lanes
  WHERE lane = ?1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = job_lanes.last AND state = 'parked')`

/** Uses jobs_behind. */
export const LEAVE_LANE = `UPDATE jobs SET behind = ?2 WHERE behind = ?1 AND state = 'parked'`

/** Walks a lane from its last by the primary key; then uses jobs_one_active_per_lane. */
export const WAITS_IN_LANE = `
  WITH RECURSIVE parked (kind, behind) AS (
    SELECT kind, behind FROM jobs WHERE id = (SELECT last FROM job_lanes WHERE lane = $lane)
    UNION ALL
    SELECT jobs.kind, jobs.behind FROM parked JOIN jobs ON jobs.id = parked.behind AND jobs.state = 'parked')
  SELECT 1 FROM parked WHERE kind = $kind
  UNION ALL SELECT 1 FROM jobs
  WHERE lane = $lane AND state IN ('ready', 'running') AND +state = 'ready' AND +kind = $kind
  LIMIT 1`

/** Changes nothing when the dedupe key is taken (jobs_dedupe). */
export const INSERT = `
  INSERT INTO jobs (kind, lane, owner, behind, state, turn, body, due_at, deadline_at, dedupe_key, trace, created_at)
  VALUES ($kind, $lane, $owner, $behind, $state,
    CASE WHEN $state = 'ready' AND $dueAt <= $now THEN ${turn('$kind', '$owner')} END,
    $body, $dueAt, $deadlineAt, $dedupeKey, $trace, $now)
  ON CONFLICT (dedupe_key) WHERE dedupe_key IS NOT NULL AND ended_at IS NULL DO NOTHING`

/** Ready jobs whose due time has come get their turn. Uses jobs_due. */
export const RIPE = `
  SELECT id FROM jobs WHERE kind = ?1 AND state = 'ready' AND turn IS NULL AND due_at <= ?2
  ORDER BY due_at, id LIMIT 500`
export const RIPEN = `
  UPDATE jobs SET turn = ${turn('jobs.kind', 'jobs.owner')} WHERE id = ?1`

/** The lowest turns of a kind, with the fence raised and the lease set. Uses jobs_turn. */
export const CLAIM = `
  UPDATE jobs SET state = 'running', claims = claims + 1, lease_until = $leaseUntil, started_at = $now
  WHERE id IN (
    SELECT id FROM jobs WHERE kind = $kind AND state = 'ready' AND turn >= 0 ORDER BY turn, id LIMIT $limit)
  RETURNING *`

/** The turn served last, by kind; it never goes back. */
export const SERVED = `
  INSERT INTO job_turns (kind, served) VALUES ($kind, $turn)
  ON CONFLICT (kind) DO UPDATE SET served = max(served, excluded.served)`

/** No row means the lease was lost. */
export const HEARTBEAT = `
  UPDATE jobs SET lease_until = $leaseUntil WHERE id = $id AND claims = $claims AND state = 'running'
  RETURNING stop_requested_at`

/** The fenced end of a claim: changes nothing when somebody else holds the job now. */
export const END_CLAIM = `
  UPDATE jobs SET state = $state, lease_until = NULL, turn = NULL, ended_at = $now, last_error = $error,
    losses = losses + $losses
  WHERE id = $id AND claims = $claims AND state = 'running'`

/**
 * Back to ready behind the same fence; the lane's head stays in place, so order holds. Nothing comes back
 * for one that was asked to stop: that one ends.
 */
export const RELEASE_CLAIM = `
  UPDATE jobs SET state = 'ready', lease_until = NULL, turn = NULL, due_at = $dueAt,
    errors = errors + $errors, unused_claims = unused_claims + $unused, last_error = coalesce($error, last_error)
  WHERE id = $id AND claims = $claims AND state = 'running' AND stop_requested_at IS NULL
  RETURNING id, kind`

/** Who is parked behind a job. Uses jobs_behind. */
export const NEXT_OF_LANE = `SELECT id, kind FROM jobs WHERE behind = ?1 AND state = 'parked'`

/** One that was due at once is due now, also where the clock that stamped it has been set back since. */
export const PROMOTE = `
  UPDATE jobs SET state = 'ready', behind = NULL,
    turn = CASE WHEN due_at <= $now OR due_at <= created_at THEN ${turn('jobs.kind', 'jobs.owner')} END
  WHERE id = $id`

/** Uses jobs_due: those that wait for an instant of a clock that was set back by so much. */
export const SET_BACK_JOBS = `
  UPDATE jobs SET due_at = max($now, due_at - $byMs)
  WHERE state = 'ready' AND turn IS NULL AND due_at > $now`

export const SET_BACK_PROVIDERS = `
  UPDATE providers SET next_call_at = next_call_at - min(next_call_at, $byMs) WHERE next_call_at > $now`

export const SET_BACK_PAUSES = `
  UPDATE provider_pauses SET until = until - min(until, $byMs) WHERE until > $now`

/** When the newest job came. */
export const NEWEST = 'SELECT created_at AS at FROM jobs WHERE id = (SELECT max(id) FROM jobs)'

/** Uses jobs_leased. */
export const EXPIRED = `SELECT id FROM jobs WHERE state = 'running' AND lease_until <= ?1`

export const RESCUE = `
  UPDATE jobs SET state = 'ready', lease_until = NULL, turn = NULL, due_at = $now, losses = losses + 1
  WHERE id = $id AND claims = $claims AND state = 'running'`

export const BY_ID = `SELECT * FROM jobs WHERE id = ?1`

export const REQUEST_STOP = `
  UPDATE jobs SET stop_requested_at = coalesce(stop_requested_at, $now) WHERE id = $id AND state = 'running'`

/** Ends a job that nobody runs. */
export const END_WAITING = `
  UPDATE jobs SET state = $state, behind = NULL, turn = NULL, ended_at = $now, last_error = $error
  WHERE id = $id AND state IN ('parked', 'ready')
  RETURNING lane, state`

/** The next instant at which a waiting job ripens. Uses jobs_due. */
export const NEXT_DUE = `
  SELECT min(due_at) AS dueAt FROM jobs WHERE kind = ?1 AND state = 'ready' AND turn IS NULL`

/**
 * Heads of lanes that can no longer be done in time. Those parked behind them wait their turn to fail, so
 * that a lane ends in order. Uses jobs_deadline.
 */
export const OVERDUE = `
  SELECT id FROM jobs WHERE state = 'ready' AND deadline_at <= ?1 ORDER BY deadline_at LIMIT 100`

/** Uses jobs_stopping. */
export const STOPPING = `
  SELECT id FROM jobs WHERE state = 'running' AND stop_requested_at IS NOT NULL`

/** Uses jobs_ended_at. */
export const PRUNE = `
  DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE ended_at IS NOT NULL AND ended_at < ?1 ORDER BY ended_at LIMIT ?2)
  RETURNING id`

/** The bucket of a provider, and until when its key is not to be used. */
export const PROVIDER = `
  SELECT coalesce((SELECT next_call_at FROM providers WHERE name = $name), 0) AS nextCallAt,
    (SELECT until FROM provider_pauses WHERE provider = $name AND model = '' AND account = $account) AS keyUntil`

/** A pause of another key or address is replaced; a longer one of the same stays. */
export const PAUSE = `
  INSERT INTO provider_pauses (provider, model, account, reason, quota_id, since, until)
  VALUES ($name, $model, $account, $reason, $quotaId, $now, $until)
  ON CONFLICT (provider, model) DO UPDATE SET account = excluded.account, reason = excluded.reason,
    quota_id = excluded.quota_id, until = excluded.until,
    since = CASE WHEN account = excluded.account AND reason = excluded.reason THEN since ELSE excluded.since END
  WHERE account <> excluded.account OR until <= excluded.until`

/** A pause of the key holds until a call has succeeded. */
export const PAUSES = `
  SELECT model, reason, until, since, quota_id AS quotaId FROM provider_pauses
  WHERE provider = $name AND account = $account AND (until > $now OR model = '') ORDER BY model`

export const FORGET_PAUSES = `
  DELETE FROM provider_pauses WHERE provider = $name AND ($model IS NULL OR model = $model)`

/** The next job that may try a key which was refused holds back the others. */
export const HOLD_KEY = `
  UPDATE provider_pauses SET until = $until WHERE provider = $name AND model = '' AND account = $account`

/** What waits for a time is due now. Uses jobs_due. */
export const HASTEN = `
  UPDATE jobs SET due_at = $now WHERE kind = $kind AND state = 'ready' AND turn IS NULL AND due_at > $now`

export const CHARGE_PROVIDER = `
  INSERT INTO providers (name, next_call_at) VALUES ($name, $nextCallAt)
  ON CONFLICT (name) DO UPDATE SET next_call_at = excluded.next_call_at`

/** An ended job starts again behind the same fence, with its counters and its deadline forgotten. */
export const REVIVE = `
  UPDATE jobs SET state = $state, behind = $behind, turn = NULL, due_at = $now, deadline_at = NULL, errors = 0, losses = 0,
    stop_requested_at = NULL, ended_at = NULL
  WHERE id = $id AND state IN ('failed', 'cancelled')
  RETURNING kind`

/** Newest first, by primary key; for people, not for the worker. */
export const LIST = `
  SELECT * FROM jobs WHERE ($state IS NULL OR state = $state) AND ($kind IS NULL OR kind = $kind)
  ORDER BY id DESC LIMIT $limit`

/** Reads each parked job by jobs_behind: what the index does not hold, each newcomer is spared. */
export const COUNT_PARKED = `
  SELECT kind, count(*) AS count FROM jobs INDEXED BY jobs_behind WHERE state = 'parked' GROUP BY kind`

/** Uses jobs_turn, which holds all it needs; those not due have no age. */
export const COUNT_READY = `
  SELECT kind, count(*) AS count, min(due_at) AS dueAt FROM jobs WHERE state = 'ready' GROUP BY kind`

/** Uses jobs_leased. */
export const COUNT_RUNNING = `
  SELECT kind, count(*) AS count FROM jobs WHERE state = 'running' AND lease_until > 0 GROUP BY kind`

/** Uses jobs_ended_at, which holds all it needs. */
export const COUNT_ENDED = `
  SELECT kind, state, count(*) AS count FROM jobs WHERE ended_at >= ?1 GROUP BY kind, state`
