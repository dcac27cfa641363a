-- name: voice_to_chat
-- Of the callers who could be offered a messenger, how many moved: by day and line.
WITH eligible AS (
    SELECT c.call_ref, c.line_id, c.ended_at, c.answered_at,
           (c.first_seen_at AT TIME ZONE :timezone)::date AS day
      FROM ivr_bridge.call AS c
     WHERE c.workspace_id = :workspace AND c.first_seen_at >= :from_at AND c.first_seen_at < :to_at
       AND (:line::uuid IS NULL OR c.line_id = :line)
       AND (EXISTS (SELECT FROM ivr_bridge.eligibility AS e
                     WHERE e.workspace_id = :workspace AND e.call_ref = c.call_ref AND e.action = 'offer')
            -- A line that never asks beforehand offers to everyone: whoever accepted had been offered.
            OR (EXISTS (SELECT FROM ivr_bridge.deflection AS d
                         WHERE d.workspace_id = :workspace AND d.call_ref = c.call_ref)
                AND NOT EXISTS (SELECT FROM ivr_bridge.eligibility AS e
                                 WHERE e.workspace_id = :workspace AND e.call_ref = c.call_ref)))
), hung_up AS (
    SELECT DISTINCT ON (d.call_ref) d.call_ref, d.created_at, d.decided_at, d.contact_id
      FROM ivr_bridge.deflection AS d JOIN eligible USING (call_ref)
     WHERE d.workspace_id = :workspace AND d.outcome = 'hangup'
     ORDER BY d.call_ref, d.decided_at
), seen AS (
    SELECT e.day, e.line_id, h.call_ref IS NOT NULL AS hung_up,
           h.decided_at, e.ended_at,
           -- Executed: the call ended, and no person answered it after the hang-up.
           COALESCE(e.answered_at > h.decided_at, false) AS answered_after,
           (SELECT min(m.at) FROM messaging.thread AS t
              JOIN messaging.message AS m ON m.workspace_id = t.workspace_id AND m.thread_id = t.thread_id
             WHERE t.workspace_id = :workspace AND t.contact_id = h.contact_id AND m.direction = 'in'
               -- Providers date to the second.
               AND m.at >= date_trunc('second', h.created_at)
               AND m.at <= h.decided_at + interval '24 hours') AS wrote_at
      FROM eligible AS e LEFT JOIN hung_up AS h USING (call_ref)
), judged AS (
    SELECT day, line_id, wrote_at, decided_at,
           hung_up AND NOT answered_after AND ended_at IS NOT NULL AS executed,
           hung_up AND NOT answered_after AND ended_at IS NULL AS unconfirmed
      FROM seen
)
SELECT CASE WHEN :by_day THEN j.day END AS day,
       CASE WHEN :by_line THEN l.title END AS line,
       count(*) AS eligible,
       count(*) FILTER (WHERE executed AND wrote_at IS NOT NULL) AS deflected,
       count(*) FILTER (WHERE executed AND wrote_at <= decided_at + interval '30 minutes') AS deflected_30min,
       count(*) FILTER (WHERE unconfirmed) AS unconfirmed,
       count(*) FILTER (WHERE executed AND wrote_at IS NULL) AS hung_up_silent
  FROM judged AS j
  JOIN ivr_bridge.line AS l ON l.workspace_id = :workspace AND l.line_id = j.line_id
 GROUP BY 1, 2
 ORDER BY 1, 2;
