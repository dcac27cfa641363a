-- name: add_upload
-- A file that one of us put up, stored already.
INSERT INTO messaging.media
       (workspace_id, media_id, origin, state, mime, name, size, sha256, width, height, stored_as, uploaded_by)
VALUES (:workspace, :media_id, 'upload', 'ready', :mime, :name, :size, :sha256, :width, :height,
        :stored_as, :uploaded_by);

-- name: media -> messaging.media:Media
-- One file.
SELECT media_id, origin, account_id, provider_media_id, provider_url, state, reason, mime, name, size,
       width, height, stored_as
  FROM messaging.media WHERE workspace_id = :workspace AND media_id = :media_id;

-- name: at_provider
-- The provider's id of a file that it has already, while it lives.
SELECT provider_media_id FROM messaging.media_at_provider
 WHERE workspace_id = :workspace AND media_id = :media_id AND account_id = :account_id
   AND valid_until > clock_timestamp();

-- name: put_at_provider
-- The provider has this file now.
INSERT INTO messaging.media_at_provider (workspace_id, media_id, account_id, provider_media_id, valid_until)
VALUES (:workspace, :media_id, :account_id, :provider_media_id,
        clock_timestamp() + make_interval(days => :days))
    ON CONFLICT (workspace_id, media_id, account_id) DO UPDATE
   SET provider_media_id = excluded.provider_media_id, valid_until = excluded.valid_until;
