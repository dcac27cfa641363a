-- name: expect
-- A customer's file, still at the provider.
INSERT INTO messaging.media
       (workspace_id, media_id, origin, account_id, provider_media_id, provider_url, state, mime, name)
VALUES (:workspace, :media_id, 'customer', :account_id, :provider_media_id, :provider_url, 'pending',
        :mime, :name);

-- name: arrived
-- A customer's file is here; the message that shows it has changed.
WITH kept AS (
    UPDATE messaging.media
       SET state = 'ready', mime = :mime, size = :size, sha256 = :sha256, width = :width,
           height = :height, stored_as = :stored_as
     WHERE workspace_id = :workspace AND media_id = :media_id AND state = 'pending'
    RETURNING media_id
)
UPDATE messaging.message SET changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND message_id = :message_id AND EXISTS (SELECT FROM kept);

-- name: given_up
-- A customer's file will not come: too large, of a kind we do not take, or gone at the provider.
WITH left_out AS (
    UPDATE messaging.media SET state = :state, reason = :reason
     WHERE workspace_id = :workspace AND media_id = :media_id AND state = 'pending'
    RETURNING media_id
)
UPDATE messaging.message SET changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND message_id = :message_id AND EXISTS (SELECT FROM left_out);
