-- name: put_queue
-- Make this queue so, whether or not it exists; the first queue of a workspace is its default one.
INSERT INTO handoff.queue (
    workspace_id, queue_id, name, title, is_default, open, priority, reservation_s, unanswered_s,
    wrapup_s, reopen_s, grace_s)
VALUES (
    :workspace, :queue, :name, :title,
    NOT EXISTS (SELECT FROM handoff.queue WHERE workspace_id = :workspace AND is_default),
    :open, :priority, :reservation_s, :unanswered_s, :wrapup_s, :reopen_s, :grace_s)
    ON CONFLICT (workspace_id, name) DO UPDATE
   SET title = excluded.title, open = excluded.open, priority = excluded.priority,
       reservation_s = excluded.reservation_s, unanswered_s = excluded.unanswered_s,
       wrapup_s = excluded.wrapup_s, reopen_s = excluded.reopen_s, grace_s = excluded.grace_s
RETURNING queue_id;

-- name: forget_default
-- Another queue is about to become the default one.
UPDATE handoff.queue SET is_default = false
 WHERE workspace_id = :workspace AND is_default AND queue_id <> :queue;

-- name: set_default
-- Conversations that name no queue wait here from now on.
UPDATE handoff.queue SET is_default = true
 WHERE workspace_id = :workspace AND queue_id = :queue AND NOT is_default;

-- name: ensure_default
-- A workspace without any queue gets one, so that nothing it receives is in limbo.
INSERT INTO handoff.queue (workspace_id, queue_id, name, title, is_default)
SELECT :workspace::integer, :queue, 'main', 'Main', true
 WHERE NOT EXISTS (SELECT FROM handoff.queue WHERE workspace_id = :workspace AND is_default)
    ON CONFLICT DO NOTHING
RETURNING queue_id;

-- name: put_members
-- Those who serve the queue, and nobody else.
INSERT INTO handoff.queue_member (workspace_id, queue_id, operator_id)
SELECT :workspace, :queue, m.operator_id FROM unnest(:operators::uuid[]) AS m (operator_id)
    ON CONFLICT DO NOTHING;

-- name: drop_members
-- Those who serve it no longer.
DELETE FROM handoff.queue_member
 WHERE workspace_id = :workspace AND queue_id = :queue AND operator_id <> ALL (:operators::uuid[]);

-- name: queue -> handoff.routing.queues:Queue
-- One queue's settings.
SELECT queue_id, name, title, open, priority, reservation_s, unanswered_s, wrapup_s, reopen_s, grace_s
  FROM handoff.queue WHERE workspace_id = :workspace AND queue_id = :queue;

-- name: queue_named -> handoff.routing.queues:Queue
-- The queue of this name, or else the default one.
SELECT queue_id, name, title, open, priority, reservation_s, unanswered_s, wrapup_s, reopen_s, grace_s
  FROM handoff.queue WHERE workspace_id = :workspace AND (name = :name OR is_default)
 ORDER BY name = :name DESC LIMIT 1;

-- name: queue_ids_of
-- The queues whose conversations a person may see.
SELECT q.queue_id FROM handoff.queue AS q
 WHERE q.workspace_id = :workspace
   AND (:everything::boolean OR EXISTS (
        SELECT FROM handoff.queue_member AS m
         WHERE m.workspace_id = :workspace AND m.queue_id = q.queue_id AND m.operator_id = :person));

-- name: wait_facts -> handoff.routing.queues:WaitFacts
-- What a guess at the wait is made from: who waits, who works, how long a chat takes.
SELECT (SELECT count(*)::integer FROM handoff.conversation AS c
         WHERE c.workspace_id = :workspace AND c.queue_id = q.queue_id AND c.state = 'queued') AS waiting,
       s.capacity, s.free,
       (SELECT avg(extract(epoch FROM h.closed_at - h.accepted_at))::float8
          FROM (SELECT closed_at, accepted_at FROM handoff.conversation AS c
                 WHERE c.workspace_id = :workspace AND c.queue_id = q.queue_id
                   AND c.state IN ('closed', 'abandoned') AND c.accepted_at IS NOT NULL
                 ORDER BY c.closed_at DESC LIMIT 50) AS h) AS handling_s
  FROM handoff.queue AS q
 CROSS JOIN LATERAL (
        SELECT COALESCE(sum(o.capacity), 0)::integer AS capacity,
               COALESCE(sum(greatest(o.capacity - o.load, 0)), 0)::integer AS free
          FROM handoff.queue_member AS m
          JOIN handoff.operator_state AS o USING (workspace_id, operator_id)
         WHERE m.workspace_id = :workspace AND m.queue_id = q.queue_id
           AND o.declared = 'online' AND o.link = 'connected' AND NOT o.not_responding) AS s
 WHERE q.workspace_id = :workspace AND (q.name = :name OR q.is_default)
 ORDER BY q.name = :name DESC LIMIT 1;
