-- name: answers_to_replay
-- How many answers before offers there are to decide again, and calls for which nobody asked.
SELECT count(e.eligibility_id) AS answers, count(*) FILTER (WHERE e.eligibility_id IS NULL) AS unasked
  FROM ivr_bridge.call AS c
  LEFT JOIN LATERAL (
        SELECT x.eligibility_id FROM ivr_bridge.eligibility AS x
         WHERE x.workspace_id = c.workspace_id AND x.call_ref = c.call_ref OFFSET 0) AS e ON true
 WHERE c.workspace_id = :workspace AND c.first_seen_at >= :since AND c.first_seen_at < :until
   AND array_position(:lines::uuid[], c.line_id) IS NOT NULL;

-- name: next_answers -> ivr_bridge.replay:Answered
-- The answers after this one, in the order of their calls.
SELECT c.first_seen_at, c.call_ref, e.eligibility_id, c.line_id, c.caller, e.reason, e.seen
  FROM ivr_bridge.call AS c
 CROSS JOIN LATERAL (
        SELECT x.* FROM ivr_bridge.eligibility AS x
         WHERE x.workspace_id = c.workspace_id AND x.call_ref = c.call_ref OFFSET 0) AS e
 WHERE c.workspace_id = :workspace AND c.first_seen_at >= :since AND c.first_seen_at < :until
   AND array_position(:lines::uuid[], c.line_id) IS NOT NULL
   AND (c.first_seen_at, c.call_ref, e.eligibility_id) > (:at, :call, :answer)
 ORDER BY c.first_seen_at, c.call_ref, e.eligibility_id
 LIMIT :size;
