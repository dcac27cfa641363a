-- name: waiting -> messaging.inbox:Waiting
-- A customer's message that is to be worked off, with the network it came by.
SELECT i.inbox_id, i.account_id, a.kind, i.payload, i.received_at, i.processed_at
  FROM messaging.inbox AS i
  JOIN messaging.account AS a ON a.workspace_id = i.workspace_id AND a.account_id = i.account_id
 WHERE i.workspace_id = :workspace AND i.inbox_id = :inbox_id AND i.kind = 'message';

-- name: add_message
-- What the customer said, once, in their thread; a time in the future is our time.
INSERT INTO messaging.message
       (workspace_id, message_id, thread_id, account_id, direction, author_kind, author_name, purpose,
        type, text, content, media_id, reply_to, provider_id, at, status)
VALUES (:workspace, :message_id, :thread_id, :account_id, 'in', 'customer', :author_name, 'message',
        :type, :text, :content, :media_id,
        (SELECT m.message_id FROM messaging.message AS m
          WHERE m.workspace_id = :workspace AND m.account_id = :account_id AND m.provider_id = :reply_to
            AND m.thread_id = :thread_id),
        :provider_id, LEAST(:at, clock_timestamp()), 'received')
    ON CONFLICT (workspace_id, account_id, provider_id) WHERE provider_id IS NOT NULL DO NOTHING
RETURNING message_id, at;

-- name: done
-- Worked off.
UPDATE messaging.inbox SET processed_at = clock_timestamp()
 WHERE workspace_id = :workspace AND inbox_id = :inbox_id;

-- name: sweep_inbox
-- Payloads that served their purpose; a page at a time.
DELETE FROM messaging.inbox
 WHERE workspace_id = :workspace AND inbox_id IN (
        SELECT inbox_id FROM messaging.inbox
         WHERE workspace_id = :workspace AND (processed_at IS NOT NULL OR kind <> 'message')
           AND received_at < clock_timestamp() - make_interval(days => :days) LIMIT 5000);

-- name: sweep_seen
-- Keys older than any provider's repetitions; a page at a time.
DELETE FROM messaging.seen AS s
 USING (SELECT account_id, event_key FROM messaging.seen
         WHERE workspace_id = :workspace AND at < clock_timestamp() - make_interval(days => :days)
         LIMIT 5000) AS old
 WHERE s.workspace_id = :workspace AND s.account_id = old.account_id AND s.event_key = old.event_key;

-- name: sweep_unmatched
-- Reports about messages that were never ours: another system speaks through the same number.
DELETE FROM messaging.unmatched_status
 WHERE workspace_id = :workspace AND received_at < clock_timestamp() - make_interval(days => :days);
