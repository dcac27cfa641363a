-- name: conversations -> handoff.desk.rows:ConversationRow
-- These conversations as the list shows them.
SELECT c.conversation_id, c.kind, c.state, c.epoch, c.queue_id, q.title AS queue_title,
       c.operator_id, p.name AS operator_name,
       c.contact_id, k.name AS contact_name, known.phone AS contact_phone,
       COALESCE(k.language, c.language) AS contact_language,
       a.kind AS channel_kind, a.name AS channel_name,
       said.type AS last_type, said.text AS last_text, said.author AS last_author, said.at AS last_at,
       c.unread, c.enqueued_at, c.waiting_since, c.reserved_until, c.wrapup_until, c.opened_at, c.closed_at,
       c.closed_reason, c.topic, c.tags, c.priority, t.window_until, c.card, c.last_seq, c.summary
  FROM handoff.conversation AS c
  JOIN handoff.queue AS q ON q.workspace_id = c.workspace_id AND q.queue_id = c.queue_id
  JOIN messaging.contact AS k ON k.workspace_id = c.workspace_id AND k.contact_id = c.contact_id
  LEFT JOIN core.person AS p ON p.workspace_id = c.workspace_id AND p.person_id = c.operator_id
  LEFT JOIN messaging.account AS a
    ON a.workspace_id = c.workspace_id AND a.account_id = c.account_id
  LEFT JOIN messaging.thread AS t
    ON t.workspace_id = c.workspace_id AND t.thread_id = c.thread_id
  LEFT JOIN LATERAL (
        SELECT CASE d.kind WHEN 'phone' THEN d.value ELSE '+' || d.value END AS phone
          FROM messaging.address AS d
         WHERE d.workspace_id = :workspace AND d.contact_id = c.contact_id
           AND d.kind IN ('phone', 'wa_id')
         ORDER BY d.kind, d.address_id LIMIT 1) AS known ON true
  LEFT JOIN LATERAL (
        SELECT m.type, m.text, e.author, e.at
          FROM handoff.entry AS e
          JOIN messaging.message AS m
            ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id
         WHERE e.workspace_id = :workspace AND e.conversation_id = c.conversation_id
           AND e.message_id IS NOT NULL
         ORDER BY e.seq DESC LIMIT 1) AS said ON true
 WHERE c.workspace_id = :workspace AND c.conversation_id = ANY (:conversations::uuid[]);

-- name: viewers -> handoff.desk.rows:ViewerRow
-- Who looks at these conversations, through however many desks.
SELECT s.viewing AS conversation_id, p.person_id, p.name, max(s.typing_until) AS typing_until
  FROM handoff.operator_socket AS s
  JOIN core.person AS p ON p.workspace_id = s.workspace_id AND p.person_id = s.operator_id
 WHERE s.workspace_id = :workspace AND s.viewing = ANY (:conversations::uuid[])
 GROUP BY s.viewing, p.person_id, p.name
 ORDER BY p.name, p.person_id;

-- name: messages -> handoff.desk.rows:MessageRow
-- These entries of transcripts, in order.
SELECT e.conversation_id, e.seq, e.event, e.author, e.author_id,
       COALESCE(m.author_name, p.name) AS author_name, e.client_key, e.at,
       e.message_id, m.direction, m.type, m.text, m.content, m.reply_to, m.status,
       told.at AS status_at, m.failed_class, m.failed_code,
       f.media_id, f.mime AS media_mime, f.name AS media_name, f.size AS media_size,
       f.width AS media_width, f.height AS media_height, f.state AS media_state
  FROM unnest(:conversations::uuid[], :seqs::integer[]) AS wanted (conversation_id, seq)
  JOIN handoff.entry AS e
    ON e.workspace_id = :workspace AND e.conversation_id = wanted.conversation_id
   AND e.seq = wanted.seq
  LEFT JOIN messaging.message AS m
    ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id
  LEFT JOIN messaging.media AS f
    ON f.workspace_id = m.workspace_id AND f.media_id = m.media_id
  LEFT JOIN core.person AS p ON p.workspace_id = e.workspace_id AND p.person_id = e.author_id
  LEFT JOIN LATERAL (
        SELECT d.at FROM messaging.delivery AS d
         WHERE d.workspace_id = :workspace AND d.message_id = m.message_id AND d.status = m.status
         ORDER BY d.attempt DESC LIMIT 1) AS told ON true
 ORDER BY e.conversation_id, e.seq;

-- name: place_of -> handoff.desk.rows:Place
-- Where one conversation stands.
SELECT conversation_id, queue_id, operator_id, last_seq
  FROM handoff.conversation WHERE workspace_id = :workspace AND conversation_id = :conversation;

-- name: pending -> handoff.desk.rows:ReservationRow
-- What is held out to a person now.
SELECT reservation_id, conversation_id, operator_id, status, expires_at
  FROM handoff.reservation
 WHERE workspace_id = :workspace AND operator_id = :person AND status = 'pending'
 ORDER BY reservation_id;

-- name: reservation_of -> handoff.desk.rows:ReservationRow
-- One reservation.
SELECT reservation_id, conversation_id, operator_id, status, expires_at
  FROM handoff.reservation WHERE workspace_id = :workspace AND reservation_id = :reservation;

-- name: presence -> handoff.desk.rows:PresenceRow
-- How these people stand.
SELECT operator_id, declared, reason, link, not_responding, load, capacity, since
  FROM handoff.operator_state
 WHERE workspace_id = :workspace AND operator_id = ANY (:people::uuid[]);

-- name: queues -> handoff.desk.rows:QueueRow
-- Every queue, with how many wait in it.
SELECT q.queue_id, q.name, q.title, q.open, q.reservation_s, q.wrapup_s, w.waiting
  FROM handoff.queue AS q
 CROSS JOIN LATERAL (
        SELECT count(*)::integer AS waiting FROM handoff.conversation AS c
         WHERE c.workspace_id = :workspace AND c.queue_id = q.queue_id
           AND c.state = 'queued') AS w
 WHERE q.workspace_id = :workspace
 ORDER BY q.title, q.queue_id;

-- name: conversations_of_contact
-- A contact's conversations that this person may see, newest first.
SELECT conversation_id FROM handoff.conversation
 WHERE workspace_id = :workspace AND contact_id = :contact
   AND (:everything::boolean OR queue_id = ANY (:queues::uuid[]) OR operator_id = :person)
 ORDER BY conversation_id DESC LIMIT :limit;

-- name: addresses -> handoff.desk.rows:AddressRow
-- Every way to reach a contact.
SELECT kind, value FROM messaging.address
 WHERE workspace_id = :workspace AND contact_id = :contact ORDER BY address_id;

-- name: approved_templates -> handoff.desk.rows:TemplateRow
-- What may be sent outside the window, on one channel or on all.
SELECT t.name, t.language, t.body, t.parameters, a.name AS channel
  FROM messaging.template AS t
  JOIN messaging.account AS a ON a.workspace_id = t.workspace_id AND a.account_id = t.account_id
 WHERE t.workspace_id = :workspace AND t.state = 'approved'
   AND (:channel::text IS NULL OR a.kind = :channel OR a.name = :channel)
 ORDER BY t.name, t.language, a.name;

-- name: titles
-- What the flows in use call their names for people; the flow that greets everybody comes last.
SELECT v.content::jsonb -> 'titles' AS titles
  FROM handoff.flow AS f
  JOIN handoff.flow_version AS v
    ON v.workspace_id = f.workspace_id AND v.flow = f.flow AND v.version = f.version
 WHERE f.workspace_id = :workspace AND v.content::jsonb ? 'titles'
 ORDER BY f.is_default, f.flow;

-- name: look_at
-- This desk now looks at this conversation, or at none.
UPDATE handoff.operator_socket
   SET viewing = :conversation, typing_until = NULL
 WHERE workspace_id = :workspace AND socket_id = :socket
   AND viewing IS DISTINCT FROM :conversation
RETURNING socket_id;

-- name: note_typing
-- Whoever of this person's desks looks at the conversation shows that something is being written.
UPDATE handoff.operator_socket
   SET typing_until = :until
 WHERE workspace_id = :workspace AND operator_id = :person AND viewing = :conversation;

-- name: line_of -> handoff.desk.sending:Line
-- On which of our accounts a conversation is held.
SELECT c.account_id, a.kind AS channel
  FROM handoff.conversation AS c
  LEFT JOIN messaging.account AS a
    ON a.workspace_id = c.workspace_id AND a.account_id = c.account_id
 WHERE c.workspace_id = :workspace AND c.conversation_id = :conversation;

-- name: said -> handoff.desk.sending:Said
-- A message of this conversation as it was said.
SELECT e.author, m.status, m.failed_at IS NOT NULL AS failed, m.content
  FROM handoff.entry AS e
  JOIN messaging.message AS m
    ON m.workspace_id = e.workspace_id AND m.message_id = e.message_id
 WHERE e.workspace_id = :workspace AND e.conversation_id = :conversation
   AND e.message_id = :message AND m.direction = 'out';

-- name: upload -> handoff.desk.sending:Upload
-- A file that somebody of this workspace handed in.
SELECT mime, COALESCE(size, 0) AS size, origin = 'upload' AND state = 'ready' AS usable
  FROM messaging.media WHERE workspace_id = :workspace AND media_id = :media;
