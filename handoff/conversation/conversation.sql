-- name: begin
-- Conversations are born, each with its first transition and its first entries, in the queue of its
-- name or else the default one. No row where an open one is there already, or when there is no queue at
-- all; one without an id is left out: another part of the statement decided so.
WITH asked AS (
    SELECT * FROM unnest(:conversations::uuid[], :transitions::uuid[], :kinds::text[], :states::text[],
                         :contacts::uuid[], :threads::uuid[], :accounts::uuid[], :previous::uuid[],
                         :queues::text[], :languages::text[], :origins::uuid[], :cards::text[],
                         :flows::text[], :ats::timestamptz[], :enqueued_ats::timestamptz[],
                         :by_kinds::text[], :reasons::text[], :codes::text[], :params::text[],
                         :messages::uuid[])
           AS a (conversation_id, transition_id, kind, state, contact_id, thread_id, account_id,
                 previous_id, queue, language, origin, card, flow, at, enqueued_at, by_kind, reason,
                 code, params, message_id)
     WHERE a.conversation_id IS NOT NULL
), born AS (
    INSERT INTO handoff.conversation (
        workspace_id, conversation_id, kind, state, contact_id, thread_id, account_id, previous_id,
        queue_id, language, origin, card, flow, flow_version, priority, opened_at,
        enqueued_at, score, next_eval_at, waiting_since, last_seq)
    SELECT :workspace, a.conversation_id, a.kind, a.state, a.contact_id, a.thread_id, a.account_id,
           a.previous_id, chosen.queue_id, a.language, a.origin, a.card::jsonb, a.flow,
           (SELECT version FROM handoff.flow WHERE workspace_id = :workspace AND flow = a.flow),
           chosen.priority, a.at,
           a.enqueued_at, a.enqueued_at - chosen.priority * interval '60 seconds', a.enqueued_at,
           a.enqueued_at, CASE WHEN a.message_id IS NULL THEN 1 ELSE 2 END
      FROM asked AS a
     CROSS JOIN LATERAL (
           SELECT queue_id, priority FROM handoff.queue
            WHERE workspace_id = :workspace AND (name = a.queue OR is_default)
            ORDER BY name = a.queue DESC LIMIT 1) AS chosen
     ORDER BY a.thread_id, a.contact_id
    ON CONFLICT DO NOTHING
    RETURNING conversation_id, state, epoch, queue_id
), told AS (
    INSERT INTO handoff.transition (
        workspace_id, transition_id, conversation_id, to_state, move, epoch, at, by_kind, reason, queue_id)
    SELECT :workspace, a.transition_id, born.conversation_id, born.state, 'opened', born.epoch, a.at,
           a.by_kind, a.reason, born.queue_id
      FROM born JOIN asked AS a ON a.conversation_id = born.conversation_id
), said AS (
    INSERT INTO handoff.entry (workspace_id, conversation_id, seq, message_id, event, author, at)
    SELECT :workspace, born.conversation_id, e.seq, e.message_id, e.event, e.author, a.at
      FROM born
      JOIN asked AS a ON a.conversation_id = born.conversation_id
     CROSS JOIN LATERAL (
           SELECT 1 AS seq, NULL::uuid AS message_id, 'system' AS author,
                  jsonb_build_object('code', a.code, 'params', a.params::jsonb) AS event
           UNION ALL
           SELECT 2, a.message_id, 'business', NULL WHERE a.message_id IS NOT NULL) AS e
)
SELECT conversation_id FROM born;

-- name: lock -> handoff.conversation.model:Conversation
-- One conversation, held against every other mover until the end of the transaction.
SELECT conversation_id, kind, state, epoch, contact_id, thread_id, account_id, previous_id, queue_id,
       operator_id, language, origin, card, flow, flow_version, bot_state, heard, heard_since,
       bot_answered, summary, topic, topic_verdict, tags, priority, opened_at, engaged_at,
       last_inbound_at, enqueued_at, score, next_eval_at, tried, reserved_until, accepted_at,
       waiting_since, typing_at, wrapup_until, closed_at, closed_reason, last_operator_id, last_seq,
       read_seq, unread
  FROM handoff.conversation
 WHERE workspace_id = :workspace AND conversation_id = :conversation
   FOR NO KEY UPDATE;

-- name: get -> handoff.conversation.model:Conversation
-- One conversation as it stands.
SELECT conversation_id, kind, state, epoch, contact_id, thread_id, account_id, previous_id, queue_id,
       operator_id, language, origin, card, flow, flow_version, bot_state, heard, heard_since,
       bot_answered, summary, topic, topic_verdict, tags, priority, opened_at, engaged_at,
       last_inbound_at, enqueued_at, score, next_eval_at, tried, reserved_until, accepted_at,
       waiting_since, typing_at, wrapup_until, closed_at, closed_reason, last_operator_id, last_seq,
       read_seq, unread
  FROM handoff.conversation
 WHERE workspace_id = :workspace AND conversation_id = :conversation;

-- name: latest_in_thread
-- The conversation that a message in this thread most likely belongs to.
SELECT conversation_id FROM handoff.conversation
 WHERE workspace_id = :workspace AND thread_id = :thread
 ORDER BY (state NOT IN ('closed', 'abandoned')) DESC, conversation_id DESC
 LIMIT 1;

-- name: open_of_contact -> handoff.conversation.opening:OpenConversation
-- The newest open chat with this person, on whatever account.
SELECT conversation_id, state, thread_id, account_id, queue_id
  FROM handoff.conversation
 WHERE workspace_id = :workspace AND contact_id = :contact AND kind = 'chat'
   AND state NOT IN ('closed', 'abandoned')
 ORDER BY conversation_id DESC
 LIMIT 1;

-- name: open_callbacks
-- Calls back that this person is still owed; those that were promised to them may be left out.
SELECT conversation_id FROM handoff.conversation
 WHERE workspace_id = :workspace AND contact_id = :contact AND kind = 'callback'
   AND state NOT IN ('closed', 'abandoned')
   AND NOT (:spare_promised::boolean AND COALESCE(card ? 'return', false))
 ORDER BY conversation_id;

-- name: held_by
-- What an operator holds, oldest first.
SELECT conversation_id FROM handoff.conversation
 WHERE workspace_id = :workspace AND operator_id = :operator
 ORDER BY conversation_id;

-- name: save
-- The next version of a conversation, with its transition and its quiet line in the same statement.
-- No row when the version it was made from no longer stands.
WITH moved AS (
    UPDATE handoff.conversation AS c
       SET state = :to_state, epoch = :to_epoch, queue_id = :queue, operator_id = :operator,
           language = :language, origin = :origin, card = :card::jsonb, flow_version = :flow_version,
           bot_state = :bot_state::jsonb, heard = :heard::jsonb, heard_since = :heard_since,
           bot_answered = :bot_answered, summary = :summary::jsonb, topic = :topic,
           topic_verdict = :topic_verdict, tags = :tags, priority = :priority, engaged_at = :engaged_at,
           last_inbound_at = :last_inbound_at, enqueued_at = :enqueued_at, score = :score,
           next_eval_at = :next_eval_at, tried = :tried, reserved_until = :reserved_until,
           accepted_at = :accepted_at, waiting_since = :waiting_since, typing_at = :typing_at,
           wrapup_until = :wrapup_until, closed_at = :closed_at, closed_reason = :closed_reason,
           last_operator_id = :last_operator, read_seq = :read_seq, unread = :unread,
           last_seq = c.last_seq + (:event::jsonb IS NOT NULL)::integer,
           changed_xid = pg_current_xact_id()
     WHERE c.workspace_id = :workspace AND c.conversation_id = :conversation
       AND c.state = :from_state AND c.epoch = :from_epoch
    RETURNING c.workspace_id, c.conversation_id, c.state, c.epoch, c.queue_id, c.operator_id, c.last_seq
), told AS (
    INSERT INTO handoff.transition (
        workspace_id, transition_id, conversation_id, from_state, to_state, move, epoch, at, by_kind,
        by_id, reason, queue_id, operator_id)
    SELECT workspace_id, :transition, conversation_id, :from_state, state, :move, epoch, :at, :by_kind,
           :by_id, :reason, queue_id, operator_id
      FROM moved WHERE :move::text IS NOT NULL
), said AS (
    INSERT INTO handoff.entry (workspace_id, conversation_id, seq, event, author, author_id, at)
    SELECT workspace_id, conversation_id, last_seq, :event::jsonb, 'system', :by_id, :at
      FROM moved WHERE :event::jsonb IS NOT NULL
)
SELECT last_seq FROM moved;

-- name: append_message
-- A message joins the transcript under the next number; the conversation's row is held already.
WITH counted AS (
    UPDATE handoff.conversation
       SET last_seq = last_seq + 1, changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND conversation_id = :conversation
    RETURNING last_seq
)
INSERT INTO handoff.entry (
    workspace_id, conversation_id, seq, message_id, author, author_id, client_key, at)
SELECT :workspace, :conversation, last_seq, :message, :author, :author_id, :client_key, :at
  FROM counted
RETURNING seq;

-- name: entry_by_key -> handoff.conversation.store:Sent
-- What was already said under this key.
SELECT message_id, seq FROM handoff.entry
 WHERE workspace_id = :workspace AND conversation_id = :conversation AND client_key = :client_key;

-- name: unread_after
-- How much the customer said after this point.
SELECT count(*)::integer FROM handoff.entry
 WHERE workspace_id = :workspace AND conversation_id = :conversation AND seq > :seq
   AND author = 'customer';

-- name: latest_from_customer
-- The customer's last message up to a point, for the ticks they see.
SELECT message_id FROM handoff.entry
 WHERE workspace_id = :workspace AND conversation_id = :conversation AND seq <= :seq
   AND author = 'customer'
 ORDER BY seq DESC LIMIT 1;

-- name: touch_typing
-- Its operator is writing: an answer is on its way.
UPDATE handoff.conversation
   SET typing_at = :at, changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND conversation_id = :conversation AND operator_id = :operator
   AND state IN ('active', 'waiting_customer')
RETURNING thread_id, last_seq;

-- name: channel_of_account
-- On which network this account speaks.
SELECT kind FROM messaging.account WHERE workspace_id = :workspace AND account_id = :account;
