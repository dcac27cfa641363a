-- name: thread_to_write_to -> messaging.outbox:Recipe
-- May this thread be written to: is the window open, does the person want to hear from us?
SELECT t.account_id, t.contact_id, t.window_until > clock_timestamp() AS window_open,
       o.at AS opted_out_at, t.last_inbound_at
  FROM messaging.thread AS t
  JOIN messaging.account AS a ON a.workspace_id = t.workspace_id AND a.account_id = t.account_id
  LEFT JOIN messaging.opt_out AS o
    ON o.workspace_id = t.workspace_id AND o.contact_id = t.contact_id AND o.channel = a.kind
 WHERE t.workspace_id = :workspace AND t.thread_id = :thread_id;

-- name: put
-- A message that waits to be sent; one with the same client key stands for both.
WITH said AS (
    INSERT INTO messaging.message
           (workspace_id, message_id, thread_id, account_id, direction, author_kind, author_id, author_name,
            purpose, type, text, content, media_id, reply_to, client_key, watch, status)
    VALUES (:workspace, :message_id, :thread_id, :account_id, 'out', :author_kind, :author_id, :author_name,
            :purpose, :type, :text, :content, :media_id, :reply_to, :client_key, :watch, 'queued')
        ON CONFLICT (workspace_id, thread_id, client_key) WHERE client_key IS NOT NULL DO NOTHING
    RETURNING message_id
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
    SELECT :workspace, message_id, 'queued', 'service', clock_timestamp() FROM said
)
SELECT message_id FROM said;

-- name: by_client_key
-- The message that was put under this key before.
SELECT message_id FROM messaging.message
 WHERE workspace_id = :workspace AND thread_id = :thread_id AND client_key = :client_key;

-- name: uncertain
-- A message of ours that failed, or of which nobody knows whether it left.
SELECT thread_id, content, reply_to FROM messaging.message
 WHERE workspace_id = :workspace AND message_id = :message_id AND direction = 'out'
   AND (status = 'unknown' OR (failed_at IS NOT NULL AND status NOT IN ('delivered', 'read')));
