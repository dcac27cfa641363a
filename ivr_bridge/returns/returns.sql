-- name: chat -> ivr_bridge.returns.store:Chat
-- A chat that a call began, with all that goes back to the telephone with it. The place in the voice
-- queue is kept from the moment the caller entered it, as far as anybody told.
SELECT v.conversation_id AS chat_id, d.deflection_id, d.call_ref, d.line_id, v.contact_id, c.call_id,
       l.name AS line, l.callback_queue, l.terms, d.asked,
       (d.asked ->> 'voice_wait_s')::integer AS voice_wait_s,
       (d.asked ->> 'queue_position')::integer AS queue_position,
       COALESCE(c.queued_at,
                d.created_at - make_interval(secs => (d.asked ->> 'voice_wait_s')::integer),
                c.entered_at, c.first_seen_at) AS queued_at,
       COALESCE(c.entered_at, c.first_seen_at) AS call_began_at,
       COALESCE(c.caller, (SELECT a.value FROM messaging.address AS a
                            WHERE a.workspace_id = v.workspace_id AND a.contact_id = v.contact_id
                              AND a.kind = 'phone' ORDER BY a.address_id LIMIT 1)) AS phone
  FROM handoff.conversation AS v
  JOIN ivr_bridge.deflection AS d ON d.workspace_id = v.workspace_id AND d.deflection_id = v.origin
  JOIN ivr_bridge.call AS c ON c.workspace_id = d.workspace_id AND c.call_ref = d.call_ref
 CROSS JOIN LATERAL (
        SELECT line.name, line.callback_queue, line.terms,
               ARRAY(SELECT n.number FROM ivr_bridge.line_number AS n
                      WHERE n.workspace_id = :workspace AND n.line_id = line.line_id) AS numbers
          FROM ivr_bridge.line AS line
         WHERE line.workspace_id = :workspace AND line.line_id = d.line_id) AS l
 WHERE v.workspace_id = :workspace AND v.conversation_id = :conversation AND v.kind = 'chat';

-- name: chat_of_deflection
-- The chat behind an attempt.
SELECT conversation_id FROM ivr_bridge.deflection
 WHERE workspace_id = :workspace AND deflection_id = :deflection;

-- name: chat_of_call
-- The latest chat that a call led to.
SELECT d.conversation_id
  FROM ivr_bridge.call AS c
  JOIN ivr_bridge.deflection AS d ON d.workspace_id = c.workspace_id AND d.call_ref = c.call_ref
 WHERE c.workspace_id = :workspace AND c.line_id = :line AND c.call_id = :call_id
   AND d.conversation_id IS NOT NULL
 ORDER BY d.attempt DESC LIMIT 1;

-- name: add
-- A return, unless one is open already for this chat or this call back.
INSERT INTO ivr_bridge.voice_return
       (workspace_id, return_id, deflection_id, call_ref, line_id, contact_id, chat_id, callback_id,
        asked_by, queued_at, voice_wait_s, queue_position, requested_at)
VALUES (:workspace, :return_id, :deflection, :call_ref, :line, :contact, :chat, :callback, :asked_by,
        :queued_at, :voice_wait_s, :queue_position, :at)
    ON CONFLICT DO NOTHING
RETURNING return_id;

-- name: get -> ivr_bridge.returns.store:Return
-- One return as it stands.
SELECT return_id, deflection_id, line_id, contact_id, chat_id, callback_id, asked_by, queued_at, state,
       requested_at, told_at, tries, next_try_at, settled_reason
  FROM ivr_bridge.voice_return WHERE workspace_id = :workspace AND return_id = :return_id;

-- name: hold -> ivr_bridge.returns.store:Return
-- The same, ours until the end of the transaction.
SELECT return_id, deflection_id, line_id, contact_id, chat_id, callback_id, asked_by, queued_at, state,
       requested_at, told_at, tries, next_try_at, settled_reason
  FROM ivr_bridge.voice_return WHERE workspace_id = :workspace AND return_id = :return_id
   FOR NO KEY UPDATE;

-- name: latest_of_chat -> ivr_bridge.returns.store:Return
-- The latest return of a chat, open or not.
SELECT return_id, deflection_id, line_id, contact_id, chat_id, callback_id, asked_by, queued_at, state,
       requested_at, told_at, tries, next_try_at, settled_reason
  FROM ivr_bridge.voice_return WHERE workspace_id = :workspace AND chat_id = :chat
 ORDER BY settled_at IS NULL DESC, return_id DESC LIMIT 1;

-- name: open_of_contact
-- What this person is still owed.
SELECT return_id FROM ivr_bridge.voice_return
 WHERE workspace_id = :workspace AND contact_id = :contact AND settled_at IS NULL ORDER BY return_id;

-- name: open_of_callback
-- The return behind a call back.
SELECT return_id FROM ivr_bridge.voice_return
 WHERE workspace_id = :workspace AND callback_id = :callback AND settled_at IS NULL;

-- name: open_of_calls
-- The returns that these calls are waiting for.
SELECT return_id FROM ivr_bridge.voice_return
 WHERE workspace_id = :workspace AND call_ref = ANY (:call_refs::uuid[]) AND settled_at IS NULL
 ORDER BY return_id;

-- name: tell
-- The dialler knows.
UPDATE ivr_bridge.voice_return SET state = 'told', told_at = clock_timestamp()
 WHERE workspace_id = :workspace AND return_id = :return_id AND state = 'requested'
RETURNING callback_id;

-- name: settle
-- Somebody has called, or nobody needs to any more. The first word stands.
UPDATE ivr_bridge.voice_return
   SET state = :state, settled_at = :at, settled_reason = :reason, next_try_at = NULL
 WHERE workspace_id = :workspace AND return_id = :return_id AND settled_at IS NULL
RETURNING return_id;

-- name: note_try
-- Nobody picked up, so often by now.
UPDATE ivr_bridge.voice_return SET tries = GREATEST(tries, :tries), next_try_at = :next_at
 WHERE workspace_id = :workspace AND return_id = :return_id AND settled_at IS NULL
RETURNING tries;

-- name: missed -> ivr_bridge.returns.following:Missed
-- Chats that have waited for a person longer than their line promises, and were not asked yet.
SELECT v.conversation_id, l.terms
  FROM handoff.conversation AS v
  JOIN ivr_bridge.deflection AS d ON d.workspace_id = v.workspace_id AND d.deflection_id = v.origin
  JOIN ivr_bridge.line AS l ON l.workspace_id = d.workspace_id AND l.line_id = d.line_id
 WHERE v.workspace_id = :workspace AND v.kind = 'chat' AND v.state IN ('queued', 'reserved')
   AND NOT (v.card ? 'return')
   AND v.waiting_since
     < :now::timestamptz - make_interval(secs => (l.terms -> 'return_to_voice' ->> 'promise_s')::integer)
 ORDER BY v.waiting_since LIMIT 50;

-- name: anybody_promises
-- Is there a line with a promise?
SELECT EXISTS (SELECT FROM ivr_bridge.line
                WHERE workspace_id = :workspace AND terms -> 'return_to_voice' ->> 'promise_s' IS NOT NULL);

-- name: close_rescue_of
-- The call back that a rescue stood for is over.
UPDATE ivr_bridge.rescue SET closed_at = clock_timestamp(), closed_reason = :reason
 WHERE workspace_id = :workspace AND conversation_id = :callback AND closed_at IS NULL
RETURNING call_ref;
