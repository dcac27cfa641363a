-- name: openings_sent -> ivr_bridge.reports.savings:Sent
-- Messages that attempts of the period's calls put on the wire, by line; each may have to be paid.
SELECT c.line_id, count(*) AS messages
  FROM ivr_bridge.call AS c
 CROSS JOIN LATERAL (
        SELECT FROM ivr_bridge.deflection AS x
         WHERE x.workspace_id = c.workspace_id AND x.call_ref = c.call_ref
           AND x.message_id IS NOT NULL OFFSET 0) AS d
 WHERE c.workspace_id = :workspace AND c.first_seen_at >= :since AND c.first_seen_at < :until
   AND array_position(:lines::uuid[], c.line_id) IS NOT NULL
 GROUP BY c.line_id;
