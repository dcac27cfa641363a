-- name: mine
-- What a person holds or is offered, those whose customer waits longest first.
SELECT c.conversation_id
  FROM handoff.conversation AS c
 WHERE c.workspace_id = :workspace AND c.operator_id = :person
 ORDER BY c.waiting_since NULLS LAST, c.conversation_id
 LIMIT :size OFFSET :skip;

-- name: waiting
-- What waits in these queues, in the order in which it is owed.
SELECT c.conversation_id
  FROM handoff.conversation AS c
 WHERE c.workspace_id = :workspace AND c.queue_id = ANY (:queues::uuid[])
   AND c.state = 'queued'
 ORDER BY c.score, c.conversation_id
 LIMIT :size OFFSET :skip;

-- name: open
-- Everything open in these queues that a customer has written to (or is owed a call), newest first.
SELECT c.conversation_id
  FROM handoff.conversation AS c
 WHERE c.workspace_id = :workspace
   AND (c.queue_id = ANY (:queues::uuid[]) OR c.operator_id = :person)
   AND c.state NOT IN ('closed', 'abandoned') AND c.state <> 'invited'
   AND (:before::uuid IS NULL OR c.conversation_id < :before)
   AND (:contacts::uuid[] IS NULL OR c.contact_id = ANY (:contacts))
 ORDER BY c.conversation_id DESC
 LIMIT :size;

-- name: closed
-- What was closed in these queues, or last held by this person, newest first.
SELECT c.conversation_id
  FROM handoff.conversation AS c
 WHERE c.workspace_id = :workspace
   AND (c.queue_id = ANY (:queues::uuid[]) OR c.last_operator_id = :person)
   AND c.state IN ('closed', 'abandoned')
   AND (:before::uuid IS NULL OR c.conversation_id < :before)
   AND (:contacts::uuid[] IS NULL OR c.contact_id = ANY (:contacts))
 ORDER BY c.conversation_id DESC
 LIMIT :size;

-- name: of_contact
-- Earlier and present conversations with one person, newest first.
SELECT c.conversation_id
  FROM handoff.conversation AS c
 WHERE c.workspace_id = :workspace AND c.contact_id = :contact
   AND (c.queue_id = ANY (:queues::uuid[]) OR c.operator_id = :person OR c.last_operator_id = :person)
 ORDER BY c.conversation_id DESC
 LIMIT :size;

-- name: contacts_like
-- People whose name holds these words or whose number holds these digits.
SELECT DISTINCT k.contact_id
  FROM messaging.contact AS k
  LEFT JOIN messaging.address AS a
    ON a.workspace_id = k.workspace_id AND a.contact_id = k.contact_id AND a.kind = 'phone'
 WHERE k.workspace_id = :workspace
   AND (k.name ILIKE '%' || :words || '%'
        OR (:digits <> '' AND a.value LIKE '%' || :digits || '%'))
 LIMIT 200;

-- name: rows -> handoff.conversation.reading:Row
-- Conversations as the desk lists them.
SELECT c.conversation_id, c.kind, c.state, c.epoch, c.queue_id, q.title AS queue_title,
       c.operator_id, who.name AS operator_name, c.last_operator_id, c.contact_id,
       k.name AS contact_name,
       (SELECT a.value FROM messaging.address AS a
         WHERE a.workspace_id = c.workspace_id AND a.contact_id = c.contact_id AND a.kind = 'phone'
         ORDER BY a.address_id LIMIT 1) AS phone,
       c.language, acc.kind AS channel_kind, acc.name AS channel_name,
       last.text AS last_text, last.type AS last_type, last.author AS last_author, last.at AS last_at,
       c.unread, c.enqueued_at, c.waiting_since, c.reserved_until, c.opened_at, c.accepted_at,
       c.wrapup_until, c.closed_at, c.closed_reason, c.topic, c.tags, c.priority,
       -- A channel without a window keeps it open for good, which JSON cannot say.
       CASE WHEN isfinite(t.window_until) THEN t.window_until
            WHEN t.window_until = 'infinity' THEN timestamptz '9999-12-31 00:00:00+00' END AS window_until,
       c.card, c.summary, c.last_seq, c.read_seq, c.origin
  FROM handoff.conversation AS c
  JOIN handoff.queue AS q ON q.workspace_id = c.workspace_id AND q.queue_id = c.queue_id
  JOIN messaging.contact AS k ON k.workspace_id = c.workspace_id AND k.contact_id = c.contact_id
  LEFT JOIN core.person AS who ON who.workspace_id = c.workspace_id AND who.person_id = c.operator_id
  LEFT JOIN messaging.thread AS t ON t.workspace_id = c.workspace_id AND t.thread_id = c.thread_id
  LEFT JOIN messaging.account AS acc
    ON acc.workspace_id = c.workspace_id AND acc.account_id = c.account_id
  LEFT JOIN LATERAL (
        SELECT m.text, m.type, e.author, e.at
          FROM handoff.entry AS e
          JOIN messaging.message AS m ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id
         WHERE e.workspace_id = c.workspace_id AND e.conversation_id = c.conversation_id
         ORDER BY e.seq DESC LIMIT 1) AS last ON true
 WHERE c.workspace_id = :workspace AND c.conversation_id = ANY (:conversations::uuid[]);

-- name: transcript -> handoff.conversation.reading:Line
-- A stretch of a transcript, newest first: messages with their delivery and files, and quiet lines.
SELECT e.conversation_id, e.seq, e.event, e.author, e.author_id,
       COALESCE(m.author_name, who.name) AS author_name,
       COALESCE(m.at, e.at) AS at, e.client_key, e.message_id,
       m.direction, m.type, m.text, m.content, m.reply_to, m.status, m.failed_at, m.failed_class,
       m.failed_code, d.mime AS media_mime, d.name AS media_name, d.size AS media_size,
       d.state AS media_state, m.media_id,
       (SELECT max(s.at) FROM messaging.delivery AS s
         WHERE s.workspace_id = e.workspace_id AND s.message_id = e.message_id) AS delivery_at
  FROM handoff.entry AS e
  LEFT JOIN messaging.message AS m ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id
  LEFT JOIN messaging.media AS d ON d.workspace_id = m.workspace_id AND d.media_id = m.media_id
  LEFT JOIN core.person AS who ON who.workspace_id = e.workspace_id AND who.person_id = e.author_id
 WHERE e.workspace_id = :workspace AND e.conversation_id = :conversation
   AND e.seq > :after AND e.seq < :before
 ORDER BY CASE WHEN :oldest_first::boolean THEN e.seq ELSE -e.seq END
 LIMIT :size;

-- name: lines -> handoff.conversation.reading:Line
-- Certain messages as the transcript shows them, for whoever follows changes.
SELECT e.conversation_id, e.seq, e.event, e.author, e.author_id,
       COALESCE(m.author_name, who.name) AS author_name,
       COALESCE(m.at, e.at) AS at, e.client_key, e.message_id,
       m.direction, m.type, m.text, m.content, m.reply_to, m.status, m.failed_at, m.failed_class,
       m.failed_code, d.mime AS media_mime, d.name AS media_name, d.size AS media_size,
       d.state AS media_state, m.media_id,
       (SELECT max(s.at) FROM messaging.delivery AS s
         WHERE s.workspace_id = e.workspace_id AND s.message_id = e.message_id) AS delivery_at
  FROM handoff.entry AS e
  LEFT JOIN messaging.message AS m ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id
  LEFT JOIN messaging.media AS d ON d.workspace_id = m.workspace_id AND d.media_id = m.media_id
  LEFT JOIN core.person AS who ON who.workspace_id = e.workspace_id AND who.person_id = e.author_id
 WHERE e.workspace_id = :workspace AND e.message_id = ANY (:messages::uuid[]);
