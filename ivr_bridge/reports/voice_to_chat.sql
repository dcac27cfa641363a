-- name: voice_to_chat -> ivr_bridge.reports.voice_to_chat:Counted
-- How many calls of each day and line could be offered a messenger, and what became of those. A day
-- is the number of its first moment among `edges`, so that days are the workspace's own.
SELECT width_bucket(f.first_seen_at, :edges::timestamptz[]) AS day, f.line_id,
       count(*) AS eligible,
       count(*) FILTER (WHERE f.fate = 'deflected') AS deflected,
       count(*) FILTER (WHERE f.fate = 'deflected' AND f.soon) AS deflected_30min,
       count(*) FILTER (WHERE f.fate = 'unconfirmed') AS unconfirmed,
       count(*) FILTER (WHERE f.fate = 'silent') AS hung_up_silent
  FROM ivr_bridge.call_fate AS f
 WHERE f.workspace_id = :workspace AND f.first_seen_at >= :since AND f.first_seen_at < :until
   AND array_position(:lines::uuid[], f.line_id) IS NOT NULL AND f.eligible
 GROUP BY day, f.line_id;
