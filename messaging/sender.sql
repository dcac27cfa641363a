-- name: claim -> messaging.sender:Claimed
-- The message is ours to send: a lease, a fence of its own, and everything that goes on the wire.
WITH claimed AS (
    UPDATE messaging.message
       SET status = 'sending', attempt = attempt + 1, fence = fence + 1,
           leased_until = clock_timestamp() + make_interval(secs => :lease_s),
           changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message_id
       AND status = 'queued' AND failed_at IS NULL
    RETURNING message_id, thread_id, account_id, content, media_id, reply_to, attempt, fence, at
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, attempt, source, at)
    SELECT :workspace, message_id, 'sending', attempt, 'service', clock_timestamp() FROM claimed
)
SELECT c.message_id, c.account_id, t.contact_id, c.content, c.media_id, c.attempt, c.fence,
       extract(epoch FROM clock_timestamp() - c.at)::float8 AS age_s,
       (SELECT a.provider_id FROM messaging.message AS a
         WHERE a.workspace_id = :workspace AND a.message_id = c.reply_to) AS reply_to
  FROM claimed AS c
  JOIN messaging.thread AS t ON t.workspace_id = :workspace AND t.thread_id = c.thread_id;

-- name: standing_of
-- Why a message could not be claimed, and how long its present lease still lasts.
SELECT status, failed_at IS NOT NULL AS failed,
       extract(epoch FROM leased_until - clock_timestamp())::float8 AS leased_for_s
  FROM messaging.message WHERE workspace_id = :workspace AND message_id = :message_id;

-- name: put_back
-- The provider certainly did not take it, and may later: it waits again.
WITH back AS (
    UPDATE messaging.message
       SET status = 'queued', leased_until = NULL, changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message_id AND fence = :fence
       AND status = 'sending' AND failed_at IS NULL
    RETURNING message_id, attempt
)
INSERT INTO messaging.delivery (workspace_id, message_id, status, attempt, source, at, failed_class, failed_code)
SELECT :workspace, message_id, 'put_back', attempt, 'answer', :at, :failed_class, :failed_code FROM back
RETURNING message_id;

-- name: give_up
-- Its sender died or was paused past the lease: whether it left, nobody knows. The fence moves on, so
-- that whatever the sender still writes is refused.
WITH lost AS (
    UPDATE messaging.message
       SET status = 'unknown', leased_until = NULL, fence = fence + 1, changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message_id
       AND status = 'sending' AND leased_until < clock_timestamp()
    RETURNING message_id, watch
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
    SELECT :workspace, message_id, 'unknown', 'service', clock_timestamp() FROM lost
        ON CONFLICT (workspace_id, message_id, status, attempt) DO NOTHING
)
SELECT message_id, watch FROM lost;
