-- name: next_queue
-- The queue with the best-scored conversation that somebody of its team could take now.
SELECT q.queue_id
  FROM handoff.queue AS q
 CROSS JOIN LATERAL (
        SELECT c.score, c.conversation_id FROM handoff.conversation AS c
         WHERE c.workspace_id = :workspace AND c.queue_id = q.queue_id AND c.state = 'queued'
           AND c.next_eval_at <= :now AND c.conversation_id <> ALL (:skipped::uuid[])
         ORDER BY c.score, c.conversation_id LIMIT 1) AS head
 WHERE q.workspace_id = :workspace
   AND EXISTS (
        SELECT FROM handoff.queue_member AS m
          JOIN handoff.operator_state AS o USING (workspace_id, operator_id)
         WHERE m.workspace_id = :workspace AND m.queue_id = q.queue_id
           AND o.declared = 'online' AND o.link = 'connected' AND NOT o.not_responding
           AND o.load < o.capacity)
 ORDER BY head.score, head.conversation_id
 LIMIT 1;

-- name: next_waiting
-- The conversation this queue owes next, unless another placer has it in hand.
SELECT conversation_id FROM handoff.conversation
 WHERE workspace_id = :workspace AND queue_id = :queue AND state = 'queued'
   AND next_eval_at <= :now AND conversation_id <> ALL (:skipped::uuid[])
 ORDER BY score, conversation_id
 LIMIT 1
   FOR NO KEY UPDATE SKIP LOCKED;

-- name: free_operator
-- Who takes it: the least loaded, then whoever was given nothing for longest; read inside the lock.
SELECT o.operator_id
  FROM handoff.queue_member AS m
  JOIN handoff.operator_state AS o USING (workspace_id, operator_id)
 WHERE m.workspace_id = :workspace AND m.queue_id = :queue
   AND o.declared = 'online' AND o.link = 'connected' AND NOT o.not_responding
   AND o.load < o.capacity AND o.operator_id <> ALL (:tried::uuid[])
 ORDER BY o.load::float8 / o.capacity, o.last_assigned_at NULLS FIRST, o.operator_id
 LIMIT 1
   FOR NO KEY UPDATE OF o SKIP LOCKED;

-- name: available -> handoff.routing.placing:Available
-- Everyone of the team who works now, and whether they have a hand free.
SELECT o.operator_id, o.load < o.capacity AS free
  FROM handoff.queue_member AS m
  JOIN handoff.operator_state AS o USING (workspace_id, operator_id)
 WHERE m.workspace_id = :workspace AND m.queue_id = :queue
   AND o.declared = 'online' AND o.link = 'connected' AND NOT o.not_responding;

-- name: anything_waits
-- Is there work for another sweep?
SELECT EXISTS (SELECT FROM handoff.conversation WHERE workspace_id = :workspace AND state = 'queued');
