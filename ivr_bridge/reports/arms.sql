-- name: arms -> ivr_bridge.reports.arms:Arm
-- Callers who could be offered chat, by the arm they were drawn into at their first such answer of the
-- period, and what became of all their calls within the line's window after it. Whoever was drawn
-- within a window before the period belongs to the period before: a caller who had been moved then is
-- not asked again, one who had been held out is, and the arms must stay alike.
WITH line AS (
    SELECT * FROM unnest(:lines::uuid[], :windows_s::integer[]) AS l (line_id, window_s)
), answer AS (
    SELECT c.line_id, c.call_ref, c.caller, c.first_seen_at, c.answered_at, c.ended_at, l.window_s,
           CASE WHEN c.caller IS NULL THEN c.call_ref::text ELSE c.caller END AS who,
           e.arm, e.at, e.eligibility_id, e.asked ->> 'intent' AS intent
      FROM ivr_bridge.call AS c
      JOIN line AS l ON l.line_id = c.line_id
      -- Call by call (OFFSET keeps it so), here and in the other reports.
     CROSS JOIN LATERAL (
            SELECT x.* FROM ivr_bridge.eligibility AS x
             WHERE x.workspace_id = c.workspace_id AND x.call_ref = c.call_ref
               AND x.reason IN ('ok', 'hold_out') OFFSET 0) AS e
     WHERE c.workspace_id = :workspace AND c.first_seen_at < :until AND c.first_seen_at >= :earliest
       AND c.first_seen_at >= :since::timestamptz - make_interval(secs => l.window_s)
), first AS (
    SELECT DISTINCT ON (line_id, who) * FROM answer
     ORDER BY line_id, who, first_seen_at, at, eligibility_id
), drawn AS (
    SELECT f.*, p.person, p.again, p.voice_min
      FROM first AS f
     CROSS JOIN LATERAL (
            SELECT COALESCE(bool_or(v.answered_at IS NOT NULL), false) AS person,
                   COALESCE(bool_or(v.call_ref <> f.call_ref), false) AS again,
                   -- LEAST passes over NULL: a call without its end adds nothing only when left out.
                   COALESCE(sum(GREATEST(0, LEAST(14400, extract(epoch FROM v.ended_at - v.first_seen_at))))
                                FILTER (WHERE v.ended_at IS NOT NULL), 0) / 60 AS voice_min
              FROM ivr_bridge.call AS v
             WHERE v.workspace_id = :workspace AND v.caller = f.caller
               AND v.first_seen_at >= f.first_seen_at
               AND v.first_seen_at < f.first_seen_at + make_interval(secs => f.window_s)) AS p
     WHERE f.first_seen_at >= :since AND f.caller IS NOT NULL
    UNION ALL
    -- A number that was keyed in: nobody can tell whether they called again.
    SELECT f.*, f.answered_at IS NOT NULL, false,
           CASE WHEN f.ended_at IS NULL THEN 0
                ELSE GREATEST(0, LEAST(14400, extract(epoch FROM f.ended_at - f.first_seen_at))) END / 60
      FROM first AS f
     WHERE f.first_seen_at >= :since AND f.caller IS NULL
)
SELECT line_id, intent, arm,
       count(*) AS callers,
       count(*) FILTER (WHERE ended_at IS NULL AND answered_at IS NULL) AS unknown,
       count(*) FILTER (WHERE person) AS answered,
       count(*) FILTER (WHERE again) AS repeated,
       sum(voice_min)::float8 AS minutes,
       sum(voice_min * voice_min)::float8 AS minutes_squared
  FROM drawn
 GROUP BY line_id, intent, arm
 ORDER BY line_id, intent NULLS FIRST, arm;
