-- name: open
-- What a deflection writes before the POST: the same rows into the same tables, of a person who is known.
-- Nothing is asked, decided, deduplicated or left out.
WITH person AS (
    SELECT a.contact_id, a.address_id, t.thread_id, t.account_id, l.line_id, q.queue_id, f.flow, f.version
      FROM messaging.address AS a
      JOIN messaging.thread AS t ON t.workspace_id = :workspace AND t.contact_id = a.contact_id
      JOIN ivr_bridge.line AS l ON l.workspace_id = :workspace
      JOIN handoff.queue AS q ON q.workspace_id = :workspace AND q.name = l.queue
      JOIN handoff.flow AS f ON f.workspace_id = :workspace AND f.flow = l.flow
     WHERE a.workspace_id = :workspace AND a.kind = 'phone' AND a.scope = '' AND a.value = :caller
     LIMIT 1
), call AS (
    INSERT INTO ivr_bridge.call (workspace_id, call_ref, line_id, call_id, caller)
    SELECT :workspace, :call_ref, line_id, :call_id, :caller FROM person
), message AS (
    INSERT INTO messaging.message
           (workspace_id, message_id, thread_id, account_id, direction, author_kind, author_name,
            purpose, type, text, content, address_id, status, attempt, fence, leased_until)
    SELECT :workspace, :message, thread_id, account_id, 'out', 'business', 'Toyshop main line',
           'opening', 'template', :text, :content, address_id, 'sending', 1, 1,
           clock_timestamp() + interval '20 seconds' FROM person
), delivery AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, attempt, source, at)
    VALUES (:workspace, :message, 'sending', 1, 'service', clock_timestamp())
), conversation AS (
    INSERT INTO handoff.conversation
           (workspace_id, conversation_id, kind, state, contact_id, thread_id, account_id, queue_id,
            language, origin, card, flow, flow_version, opened_at, last_seq)
    SELECT :workspace, :conversation, 'chat', 'invited', contact_id, thread_id, account_id, queue_id,
           'ru', :deflection, :card, flow, version, clock_timestamp(), 2 FROM person
), transition AS (
    INSERT INTO handoff.transition
           (workspace_id, transition_id, conversation_id, to_state, move, epoch, at, by_kind, reason, queue_id)
    SELECT :workspace, :transition, :conversation, 'invited', 'opened', 1, clock_timestamp(), 'call',
           'invited', queue_id FROM person
), entries AS (
    INSERT INTO handoff.entry (workspace_id, conversation_id, seq, message_id, event, author, at)
    VALUES (:workspace, :conversation, 1, NULL, '{"code": "call_card", "params": {}}', 'system',
            clock_timestamp()),
           (:workspace, :conversation, 2, :message, NULL, 'business', clock_timestamp())
), job AS (
    INSERT INTO core.job (workspace_id, job_id, band, kind, key, payload, due_at)
    VALUES (:workspace, :job, 'normal', 'floor.invitation_over', :conversation::uuid::text,
            jsonb_build_object('conversation_id', :conversation::uuid::text),
            clock_timestamp() + interval '1 day')
)
INSERT INTO ivr_bridge.deflection
       (workspace_id, deflection_id, call_ref, line_id, attempt, pending_until, confirm, grace_ms,
        positive, reachability, channel, account_id, contact_id, message_id, conversation_id,
        rescue_after_s, consent, asked, trace)
SELECT :workspace, :deflection, :call_ref, line_id, 1, clock_timestamp() + interval '2 seconds',
       'accepted', 800, true, 'confirmed', 'whatsapp', account_id, contact_id, :message, :conversation,
       3660, :consent, :asked, :trace FROM person;

-- name: close
-- What it writes after the POST.
WITH message AS (
    UPDATE messaging.message
       SET status = 'accepted', provider_id = :provider_id, leased_until = NULL,
           changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message
), delivery AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
    VALUES (:workspace, :message, 'accepted', 'answer', clock_timestamp())
), job AS (
    INSERT INTO core.job (workspace_id, job_id, band, kind, key, payload, due_at)
    VALUES (:workspace, :job, 'urgent', 'floor.rescue_check', :deflection::uuid::text,
            jsonb_build_object('deflection_id', :deflection::uuid::text),
            clock_timestamp() + interval '1 hour')
)
UPDATE ivr_bridge.deflection
   SET outcome = 'hangup', reason = 'ok', proof = 'accepted_known', decided_at = clock_timestamp(),
       decided_by = 'race'
 WHERE workspace_id = :workspace AND deflection_id = :deflection;
