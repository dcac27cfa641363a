-- name: deflections -> ivr_bridge.reports.deflections:Attempt
-- One row an attempt of the calls that began in these days. `counts_as` says what the call is counted
-- as elsewhere, in one of its rows; the others of the same call say so.
SELECT x.deflection_id, x.created_at AS at, f.line_id, f.call_id, f.caller, x.outcome, x.reason,
       x.channel, x.status, x.failed_class, x.first_message_at, x.late, x.rescued,
       CASE WHEN x.outcome = 'hangup' THEN x.fate IN ('deflected', 'silent') END AS hangup_confirmed,
       CASE WHEN x.deflection_id <> f.deflection_id THEN 'same_call'
            WHEN NOT f.eligible THEN 'not_eligible'
            WHEN x.fate = 'answered' THEN 'answered_after'
            ELSE x.fate END AS counts_as
  FROM ivr_bridge.call_fate AS f
  -- Call by call (OFFSET keeps it so): each is looked up by whole keys, whatever the statistics say.
 CROSS JOIN LATERAL (
        SELECT y.* FROM ivr_bridge.attempt_fate AS y
         WHERE y.workspace_id = f.workspace_id AND y.call_ref = f.call_ref OFFSET 0) AS x
 WHERE f.workspace_id = :workspace AND f.first_seen_at >= :since AND f.first_seen_at < :until
   AND array_position(:lines::uuid[], f.line_id) IS NOT NULL
 ORDER BY x.created_at, x.deflection_id
 LIMIT :most;
