/** The statements of the queue. Each that depends on an index says which one; test/queue/plans.test.ts holds them to it. */

/**
 * The turn of a job that becomes ready: after the owner's own last one, but never before the turn that is
 * up now, so a newcomer goes next and an owner with a thousand rooms queues behind itself (start-time fair
 * queueing). Uses jobs_turn_of_owner and jobs_turn.
 */
function turn(kind: string, owner: string): string {
  return `max(
    coalesce((SELECT max(turn) + 1 FROM jobs WHERE kind = ${kind} AND owner = ${owner} AND state IN ('ready', 'running')), 0),
    coalesce((SELECT min(turn) FROM jobs WHERE kind = ${kind} AND state = 'ready' AND turn >= 0), 0))`
}

/** Uses jobs_one_active_per_lane, then jobs_parked_in_lane. */
export const LANE_BUSY = `
  SELECT 1 FROM jobs WHERE lane = ?1 AND state IN ('ready', 'running')
  UNION ALL SELECT 1 FROM jobs WHERE lane = ?1 AND state = 'parked' LIMIT 1`

/** Nothing comes back when the dedupe key is taken (jobs_dedupe). */
export const INSERT = `
  INSERT INTO jobs (kind, lane, owner, state, turn, body, due_at, deadline_at, dedupe_key, trace, created_at)
  VALUES ($kind, $lane, $owner, $state,
    CASE WHEN $state = 'ready' AND $dueAt <= $now THEN ${turn('$kind', '$owner')} END,
    $body, $dueAt, $deadlineAt, $dedupeKey, $trace, $now)
  ON CONFLICT (dedupe_key) WHERE state IN ('parked', 'ready', 'running') DO NOTHING
  RETURNING id`

/** Ready jobs whose due time has come get their turn. Uses jobs_due. */
export const RIPE = `
  SELECT id FROM jobs WHERE state = 'ready' AND turn IS NULL AND due_at <= ?1 ORDER BY due_at LIMIT 500`
export const RIPEN = `
  UPDATE jobs SET turn = ${turn('jobs.kind', 'jobs.owner')} WHERE id = ?1`

/** The lowest turns of a kind, with the fence raised and the lease set. Uses jobs_turn. */
export const CLAIM = `
  UPDATE jobs SET state = 'running', claims = claims + 1, lease_until = $leaseUntil, started_at = $now
  WHERE id IN (
    SELECT id FROM jobs WHERE kind = $kind AND state = 'ready' AND turn >= 0 ORDER BY turn, id LIMIT $limit)
  RETURNING *`

/** No row means the lease was lost. */
export const HEARTBEAT = `
  UPDATE jobs SET lease_until = $leaseUntil WHERE id = $id AND claims = $claims AND state = 'running'
  RETURNING stop_requested_at`

/** The fenced end of a claim: nothing comes back when somebody else holds the job now. */
export const END_CLAIM = `
  UPDATE jobs SET state = $state, lease_until = NULL, turn = NULL, ended_at = $now, last_error = $error
  WHERE id = $id AND claims = $claims AND state = 'running'
  RETURNING lane`

/** Back to ready behind the same fence; the lane's head stays in place, so order holds. */
export const RELEASE_CLAIM = `
  UPDATE jobs SET state = 'ready', lease_until = NULL, turn = NULL, due_at = $dueAt,
    errors = errors + $errors, last_error = coalesce($error, last_error)
  WHERE id = $id AND claims = $claims AND state = 'running'
  RETURNING id`

/** The next of the lane. Uses jobs_parked_in_lane. */
export const PROMOTE = `
  UPDATE jobs SET state = 'ready',
    turn = CASE WHEN due_at <= $now THEN ${turn('jobs.kind', 'jobs.owner')} END
  WHERE id = (SELECT id FROM jobs WHERE lane = $lane AND state = 'parked' ORDER BY id LIMIT 1)
  RETURNING kind`

/** Uses jobs_leased. */
export const EXPIRED = `SELECT * FROM jobs WHERE state = 'running' AND lease_until <= ?1`

export const RESCUE = `
  UPDATE jobs SET state = 'ready', lease_until = NULL, turn = NULL, due_at = $now, losses = losses + 1
  WHERE id = $id AND claims = $claims AND state = 'running'`

export const BY_ID = `SELECT * FROM jobs WHERE id = ?1`

export const REQUEST_STOP = `
  UPDATE jobs SET stop_requested_at = coalesce(stop_requested_at, $now) WHERE id = $id AND state = 'running'`

/** Ends a job that nobody runs. */
export const END_WAITING = `
  UPDATE jobs SET state = $state, turn = NULL, ended_at = $now, last_error = $error
  WHERE id = $id AND state IN ('parked', 'ready')
  RETURNING lane, state`

/** Uses jobs_due: the next instant at which a waiting job ripens. */
export const NEXT_DUE = `SELECT min(due_at) AS dueAt FROM jobs WHERE state = 'ready' AND turn IS NULL`

/** Uses jobs_ended_at. */
export const PRUNE = `
  DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE ended_at IS NOT NULL AND ended_at < ?1 ORDER BY ended_at LIMIT ?2)
  RETURNING id`
