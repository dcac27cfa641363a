-- name: shadow -> ivr_bridge.reports.shadow:Pair
-- What was answered before offers, and what the line's candidate, as it stands now, would have
-- answered to the same calls.
SELECT c.line_id, e.reason AS live, e.shadow_reason AS candidate, count(*) AS answers
  FROM ivr_bridge.call AS c
 CROSS JOIN LATERAL (
        SELECT x.* FROM ivr_bridge.eligibility AS x
         WHERE x.workspace_id = c.workspace_id AND x.call_ref = c.call_ref OFFSET 0) AS e
 WHERE c.workspace_id = :workspace AND c.first_seen_at >= :since AND c.first_seen_at < :until
   AND array_position(:lines::uuid[], c.line_id) IS NOT NULL
   AND e.shadow_policy = (:policies::text[])[array_position(:lines::uuid[], c.line_id)]
 GROUP BY c.line_id, e.reason, e.shadow_reason
 ORDER BY c.line_id, answers DESC, live, candidate;
