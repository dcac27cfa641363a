-- name: standing -> ivr_bridge.guard.standing:StandingRow
-- What holds for all lines of a workspace at this moment: its budget, how much of every budget has been
-- taken, and what is paused.
SELECT w.settings -> 'budget' AS budget,
       (SELECT jsonb_agg(jsonb_build_object(
                   'scope', b.scope,
                   'hour', CASE WHEN b.hour_from >= date_trunc('hour', clock_timestamp(), w.timezone)
                                THEN b.hour_taken ELSE 0 END,
                   'day', CASE WHEN b.day_from >= date_trunc('day', clock_timestamp(), w.timezone)
                               THEN b.day_taken ELSE 0 END))
          FROM ivr_bridge.budget_use AS b WHERE b.workspace_id = w.workspace_id) AS taken,
       (SELECT jsonb_agg(jsonb_build_object('kind', p.kind, 'subject', p.subject))
          FROM ivr_bridge.pause AS p
         WHERE p.workspace_id = w.workspace_id AND p.lifted_at IS NULL
           AND (p.until_at IS NULL OR p.until_at > clock_timestamp())) AS pauses
  FROM core.workspace AS w
 WHERE w.workspace_id = :workspace;

-- name: open_budgets
-- A budget that is taken from for the first time.
INSERT INTO ivr_bridge.budget_use (workspace_id, scope, hour_from, day_from)
SELECT :workspace, scope, '-infinity', '-infinity' FROM unnest(:scopes::text[]) AS s (scope) ORDER BY scope
    ON CONFLICT DO NOTHING;

-- name: lease_places -> ivr_bridge.guard.budget:LeaseRow
-- A block of places out of every budget that holds, as many as the tightest still has; near its end the
-- blocks become small, so that little of it lies idle in processes. Held in one order, so that two
-- processes cannot wait for each other. A clock that was set back does not begin a period again.
WITH present AS (
    SELECT date_trunc('hour', clock_timestamp(), timezone) AS hour,
           date_trunc('day', clock_timestamp(), timezone) AS day
      FROM core.workspace WHERE workspace_id = :workspace
), held AS (
    SELECT b.scope,
           CASE WHEN b.hour_from >= present.hour THEN b.hour_taken ELSE 0 END AS hour_taken,
           CASE WHEN b.day_from >= present.day THEN b.day_taken ELSE 0 END AS day_taken,
           c.hour_cap, c.day_cap
      FROM unnest(:scopes::text[], :hour_caps::integer[], :day_caps::integer[]) AS c (scope, hour_cap, day_cap)
      JOIN ivr_bridge.budget_use AS b ON b.workspace_id = :workspace AND b.scope = c.scope
     CROSS JOIN present
     ORDER BY b.scope FOR UPDATE OF b
), room AS (
    SELECT count(*) AS budgets,
           GREATEST(0, min(LEAST(hour_cap - hour_taken, day_cap - day_taken))) AS places
      FROM held
), granted AS (
    SELECT LEAST(:wanted::bigint, CASE WHEN places = 0 THEN 0 ELSE GREATEST(1, places / 8) END) AS places
      FROM room WHERE budgets = cardinality(:scopes::text[])
), taken AS (
    UPDATE ivr_bridge.budget_use AS b
       SET hour_taken = CASE WHEN b.hour_from >= present.hour THEN b.hour_taken ELSE 0 END + granted.places,
           hour_from = GREATEST(b.hour_from, present.hour),
           day_taken = CASE WHEN b.day_from >= present.day THEN b.day_taken ELSE 0 END + granted.places,
           day_from = GREATEST(b.day_from, present.day)
      FROM present, granted, held
     WHERE b.workspace_id = :workspace AND b.scope = held.scope AND granted.places > 0
    RETURNING b.scope
)
SELECT granted.places::integer AS places,
       extract(epoch FROM present.hour + interval '1 hour' - clock_timestamp())::float8 AS lasts_s,
       (SELECT count(*) FROM taken) AS budgets
  FROM granted, present;

-- name: take_velocity -> ivr_bridge.guard.velocity:Counted
-- One more opening for each of these, where the cap leaves room: a subject that is missing in the answer
-- had none. In one order, so that two calls cannot wait for each other.
INSERT INTO ivr_bridge.velocity AS v
       (workspace_id, kind, subject, hour_from, hour_used, hour_cap, day_from, day_used, day_cap)
SELECT :workspace, s.kind, s.subject, date_trunc('hour', clock_timestamp()), 1, s.hour_cap,
       date_trunc('day', clock_timestamp()), 1, s.day_cap
  FROM unnest(:kinds::text[], :subjects::bytea[], :hour_caps::integer[], :day_caps::integer[])
       AS s (kind, subject, hour_cap, day_cap)
 WHERE s.hour_cap IS DISTINCT FROM 0 AND s.day_cap IS DISTINCT FROM 0
 ORDER BY s.kind, s.subject
    ON CONFLICT (workspace_id, kind, subject) DO UPDATE
   SET hour_used = CASE WHEN v.hour_from >= excluded.hour_from THEN v.hour_used ELSE 0 END + 1,
       hour_from = GREATEST(v.hour_from, excluded.hour_from), hour_cap = excluded.hour_cap,
       day_used = CASE WHEN v.day_from >= excluded.day_from THEN v.day_used ELSE 0 END + 1,
       day_from = GREATEST(v.day_from, excluded.day_from), day_cap = excluded.day_cap
 WHERE (excluded.hour_cap IS NULL OR v.hour_from < excluded.hour_from OR v.hour_used < excluded.hour_cap)
   AND (excluded.day_cap IS NULL OR v.day_from < excluded.day_from OR v.day_used < excluded.day_cap)
RETURNING kind, subject, hour_from, day_from;

-- name: give_velocity_back
-- Openings that were counted and not sent, each in the hour and day in which it was counted.
WITH held AS (
    SELECT v.kind, v.subject, g.hour_from, g.day_from
      FROM unnest(:kinds::text[], :subjects::bytea[], :hours::timestamptz[], :days::timestamptz[])
           AS g (kind, subject, hour_from, day_from)
      JOIN ivr_bridge.velocity AS v ON v.workspace_id = :workspace AND v.kind = g.kind AND v.subject = g.subject
     ORDER BY v.kind, v.subject FOR UPDATE OF v
)
UPDATE ivr_bridge.velocity AS v
   SET hour_used = GREATEST(0, v.hour_used - CASE WHEN v.hour_from = held.hour_from THEN 1 ELSE 0 END),
       day_used = GREATEST(0, v.day_used - CASE WHEN v.day_from = held.day_from THEN 1 ELSE 0 END)
  FROM held
 WHERE v.workspace_id = :workspace AND v.kind = held.kind AND v.subject = held.subject;

-- name: look_around -> ivr_bridge.guard.velocity:Around
-- Which counts are used up, and who a number belongs to: looked at before an offer; a row for every place.
SELECT t.place,
       (SELECT min(s.kind)
          FROM unnest(:places::bigint[], :kinds::text[], :subjects::bytea[], :hour_caps::integer[],
                      :day_caps::integer[]) AS s (place, kind, subject, hour_cap, day_cap)
          LEFT JOIN LATERAL (
               SELECT hour_from, hour_used, day_from, day_used FROM ivr_bridge.velocity
                WHERE workspace_id = :workspace AND kind = s.kind AND subject = s.subject
                LIMIT 1) AS v ON true
         WHERE s.place = t.place
           AND (s.hour_cap = 0 OR s.day_cap = 0
             OR (v.hour_from >= date_trunc('hour', clock_timestamp()) AND v.hour_used >= s.hour_cap)
             OR (v.day_from >= date_trunc('day', clock_timestamp()) AND v.day_used >= s.day_cap))) AS over,
       (SELECT a.contact_id FROM messaging.address AS a
         WHERE a.workspace_id = :workspace AND a.kind = 'phone' AND a.scope = '' AND a.value = t.target
         LIMIT 1) AS contact_id
  FROM unnest(:targets::text[]) WITH ORDINALITY AS t (target, place)
 ORDER BY t.place;

-- name: forget_velocity
-- Counts of days that are over.
DELETE FROM ivr_bridge.velocity
 WHERE workspace_id = :workspace AND day_from < clock_timestamp() - interval '25 hours';

-- name: pause
-- From now on this does not send.
INSERT INTO ivr_bridge.pause (workspace_id, pause_id, kind, subject, why, paused_by, until_at)
VALUES (:workspace, :pause, :kind, :subject, :why, :by,
        CASE WHEN :for_s::float8 IS NULL THEN NULL
             ELSE clock_timestamp() + make_interval(secs => :for_s) END)
RETURNING until_at;

-- name: lift
-- It may send again.
UPDATE ivr_bridge.pause SET lifted_at = clock_timestamp()
 WHERE workspace_id = :workspace AND kind = :kind AND subject = :subject AND lifted_at IS NULL
   AND (until_at IS NULL OR until_at > clock_timestamp())
RETURNING pause_id;

-- name: pauses -> ivr_bridge.guard.pauses:Pause
-- What is paused now, the latest first.
SELECT kind, subject, why, paused_by, from_at, until_at
  FROM ivr_bridge.pause
 WHERE workspace_id = :workspace AND lifted_at IS NULL AND (until_at IS NULL OR until_at > clock_timestamp())
 ORDER BY from_at DESC, pause_id;

-- name: stopped
-- Does a pause hold this line, this channel or everything at this moment?
SELECT EXISTS (
    SELECT FROM ivr_bridge.pause AS p
     WHERE p.workspace_id = :workspace AND p.lifted_at IS NULL
       AND (p.until_at IS NULL OR p.until_at > clock_timestamp())
       AND (p.kind = 'all' OR (p.kind = 'channel' AND p.subject = :account)
            OR (p.kind = 'line' AND p.subject = (
                    SELECT l.name FROM ivr_bridge.line AS l
                     WHERE l.workspace_id = :workspace AND l.line_id = :line)))) AS stopped;

-- name: pausable
-- What goes by this name, number or `kind:name`: lines and channel accounts.
SELECT named.kind, named.name
  FROM (SELECT 'line' AS kind, l.name FROM ivr_bridge.line AS l
         WHERE l.workspace_id = :workspace
           AND (l.name = :name OR EXISTS (SELECT FROM ivr_bridge.line_number AS n
                  WHERE n.workspace_id = l.workspace_id AND n.line_id = l.line_id AND n.number = :name))
        UNION ALL
        SELECT 'channel', a.name FROM messaging.account AS a
         WHERE a.workspace_id = :workspace AND a.name = :name) AS named
 WHERE :kind::text IS NULL OR named.kind = :kind
 ORDER BY named.kind;
