-- name: enqueue
-- Put jobs in; one that waits under the same key already stands for both, at the earlier time. A job
-- without an id is left out: another part of the statement decided so.
INSERT INTO core.job (workspace_id, job_id, band, kind, lane, key, payload, due_at)
SELECT :workspace::integer, j.job_id, j.band, j.kind, j.lane, j.key, j.payload::jsonb,
       COALESCE(j.due_at, clock_timestamp() + make_interval(secs => j.delay_s))
  FROM unnest(:job_ids::uuid[], :bands::text[], :kinds::text[], :lanes::text[], :keys::text[],
              :payloads::text[], :due_ats::timestamptz[], :delays_s::float8[])
       AS j (job_id, band, kind, lane, key, payload, due_at, delay_s)
 WHERE j.job_id IS NOT NULL
    ON CONFLICT (workspace_id, kind, key) WHERE key IS NOT NULL AND state = 'ready'
    DO UPDATE SET due_at = LEAST(core.job.due_at, excluded.due_at);

-- name: enqueue_about
-- Jobs of one kind that are due now, each about a row that the same statement writes: it bears the
-- row's id, and says it in its payload under the name `:about`. One without an id is left out, as above.
INSERT INTO core.job (workspace_id, job_id, band, kind, lane, payload, due_at)
SELECT :workspace::integer, j.job_id, :band, :kind, j.lane,
       jsonb_build_object(:about::text, j.job_id), clock_timestamp()
  FROM unnest(:job_ids::uuid[], :lanes::text[]) AS j (job_id, lane)
 WHERE j.job_id IS NOT NULL;

-- name: claim -> core.jobs.store:Job
-- The jobs of a band that are due, heads of their lanes only, leased and fenced for one worker.
UPDATE core.job AS claimed
   SET state = 'running', key = NULL, attempt = claimed.attempt + 1, fence = claimed.fence + 1,
       leased_until = clock_timestamp() + make_interval(secs => :lease_s)
  FROM (SELECT j.workspace_id, j.job_id
          FROM core.job AS j
         WHERE j.band = :band AND j.state = 'ready' AND j.due_at <= clock_timestamp()
           AND j.kind = ANY (:kinds::text[])
           AND (j.lane IS NULL OR NOT EXISTS (
                    SELECT FROM core.job AS earlier
                     WHERE earlier.workspace_id = j.workspace_id AND earlier.lane = j.lane
                       AND earlier.state <> 'buried' AND earlier.job_id < j.job_id))
         ORDER BY j.due_at, j.job_id
         LIMIT :size
           FOR UPDATE SKIP LOCKED) AS due
 WHERE claimed.workspace_id = due.workspace_id AND claimed.job_id = due.job_id
RETURNING claimed.workspace_id, claimed.job_id, claimed.kind, claimed.lane, claimed.payload,
          claimed.attempt, claimed.fence, claimed.created_at;

-- name: take_back
-- Leases that ran out: the worker died or was paused. The attempt counts, so that a job that kills
-- its worker is buried in the end (core.jobs.worker).
UPDATE core.job
   SET state = 'ready', leased_until = NULL, last_error = 'lease ran out'
 WHERE (workspace_id, job_id) IN (
        SELECT workspace_id, job_id FROM core.job
         WHERE state = 'running' AND leased_until < clock_timestamp()
         LIMIT 500 FOR UPDATE SKIP LOCKED)
RETURNING kind;

-- name: finish
-- The job is done; no row means that the lease was lost and its work must be undone.
DELETE FROM core.job
 WHERE workspace_id = :workspace AND job_id = :job_id AND fence = :fence AND state = 'running'
RETURNING job_id;

-- name: put_off
-- Not now: ready again later. `cost` is 0 when nobody is to blame for the wait.
UPDATE core.job
   SET state = 'ready', leased_until = NULL, attempt = attempt - 1 + :cost,
       due_at = clock_timestamp() + make_interval(secs => :delay_s), last_error = :error
 WHERE workspace_id = :workspace AND job_id = :job_id AND fence = :fence AND state = 'running'
RETURNING job_id;

-- name: bury
-- Given up: kept for a person to look at and replay.
UPDATE core.job
   SET state = 'buried', leased_until = NULL, last_error = :error
 WHERE workspace_id = :workspace AND job_id = :job_id AND fence = :fence AND state = 'running'
RETURNING job_id;

-- name: cancel
-- Take back jobs that wait under a key and are no longer needed.
DELETE FROM core.job WHERE workspace_id = :workspace AND kind = :kind AND key = :key AND state = 'ready';

-- name: buried
-- What was given up, newest first.
SELECT job_id, kind, lane, payload, attempt, last_error, created_at, due_at
  FROM core.job WHERE workspace_id = :workspace AND state = 'buried' ORDER BY job_id DESC LIMIT :size;

-- name: replay
-- Give buried jobs another life.
UPDATE core.job SET state = 'ready', attempt = 0, due_at = clock_timestamp()
 WHERE workspace_id = :workspace AND state = 'buried'
   AND (:job_id::uuid IS NULL OR job_id = :job_id) AND (:kind::text IS NULL OR kind = :kind)
RETURNING job_id;

-- name: lateness
-- For how long the oldest job of each band that is due has waited.
SELECT b.band, CASE WHEN oldest.due_at < clock_timestamp()
                    THEN extract(epoch FROM clock_timestamp() - oldest.due_at) ELSE 0 END::float8 AS late_s
  FROM unnest(:bands::text[]) AS b (band)
  LEFT JOIN LATERAL (
        SELECT due_at FROM core.job WHERE band = b.band AND state = 'ready'
         ORDER BY due_at, job_id LIMIT 1) AS oldest ON true;
