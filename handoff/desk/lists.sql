-- name: mine -> handoff.desk.lists:Spot
-- What is in this person's hands, oldest first.
SELECT conversation_id, opened_at AS at FROM handoff.conversation
 WHERE workspace_id = :workspace AND operator_id = :person
   AND state IN ('active', 'waiting_customer', 'wrapup')
   AND (:queue::uuid IS NULL OR queue_id = :queue)
   AND (:after_at::timestamptz IS NULL OR (opened_at, conversation_id) > (:after_at, :after::uuid))
 ORDER BY opened_at, conversation_id LIMIT :limit;

-- name: waiting -> handoff.desk.lists:Spot
-- What waits for a person, in the order in which it is owed, merged from each queue's own index.
SELECT found.conversation_id, found.at
  FROM unnest(:queues::uuid[]) AS q (queue_id)
 CROSS JOIN LATERAL (
        SELECT c.conversation_id, COALESCE(c.score, c.opened_at) AS at
          FROM handoff.conversation AS c
         WHERE c.workspace_id = :workspace AND c.queue_id = q.queue_id
           AND c.state IN ('queued', 'reserved', 'after_hours', 'snoozed', 'parked')
           AND (COALESCE(c.score, c.opened_at), c.conversation_id)
             > (COALESCE(:after_at, '-infinity'::timestamptz), :after::uuid)
         ORDER BY COALESCE(c.score, c.opened_at), c.conversation_id LIMIT :limit) AS found
 ORDER BY found.at, found.conversation_id LIMIT :limit;

-- name: open -> handoff.desk.lists:Spot
-- Everything that is not over, newest first, merged from each queue's own index, and what this person
-- holds of other queues.
SELECT found.conversation_id, found.at FROM (
    SELECT one.conversation_id, one.at
      FROM unnest(:queues::uuid[]) AS q (queue_id)
     CROSS JOIN LATERAL (
            SELECT c.conversation_id, c.opened_at AS at
              FROM handoff.conversation AS c
             WHERE c.workspace_id = :workspace AND c.queue_id = q.queue_id
               AND c.state NOT IN ('closed', 'abandoned')
               AND (:after_at::timestamptz IS NULL OR c.conversation_id < :after::uuid)
             ORDER BY c.conversation_id DESC LIMIT :limit) AS one
    UNION ALL
    SELECT c.conversation_id, c.opened_at AS at FROM handoff.conversation AS c
     WHERE c.workspace_id = :workspace AND c.operator_id = :person
       AND c.queue_id <> ALL (:queues) AND :queue::uuid IS NULL
       AND c.state NOT IN ('closed', 'abandoned')
       AND (:after_at IS NULL OR c.conversation_id < :after)) AS found
 ORDER BY found.conversation_id DESC LIMIT :limit;

-- name: closed -> handoff.desk.lists:Spot
-- What is over, last closed first, merged from each queue's own index.
SELECT found.conversation_id, found.at
  FROM unnest(:queues::uuid[]) AS q (queue_id)
 CROSS JOIN LATERAL (
        SELECT c.conversation_id, c.closed_at AS at
          FROM handoff.conversation AS c
         WHERE c.workspace_id = :workspace AND c.queue_id = q.queue_id
           AND c.state IN ('closed', 'abandoned')
           AND c.closed_at <= COALESCE(:after_at, 'infinity'::timestamptz)
           AND (c.closed_at < COALESCE(:after_at, 'infinity'::timestamptz)
                OR c.conversation_id > :after::uuid)
         ORDER BY c.closed_at DESC, c.conversation_id LIMIT :limit) AS found
 ORDER BY found.at DESC, found.conversation_id LIMIT :limit;

-- name: matching
-- Which of these conversations fit the words: the contact's name, their whole number, the last words.
SELECT c.conversation_id
  FROM handoff.conversation AS c
  JOIN messaging.contact AS k ON k.workspace_id = c.workspace_id AND k.contact_id = c.contact_id
  LEFT JOIN LATERAL (
        SELECT m.text FROM handoff.entry AS e
          JOIN messaging.message AS m
            ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id
         WHERE e.workspace_id = :workspace AND e.conversation_id = c.conversation_id
           AND e.message_id IS NOT NULL
         ORDER BY e.seq DESC LIMIT 1) AS said ON true
 WHERE c.workspace_id = :workspace AND c.conversation_id = ANY (:conversations::uuid[])
   AND (k.name ILIKE :pattern OR said.text ILIKE :pattern
        OR EXISTS (SELECT FROM messaging.address AS a
                    WHERE a.workspace_id = :workspace AND a.contact_id = c.contact_id
                      AND a.kind IN ('phone', 'wa_id') AND a.value = ANY (:numbers::text[])));
