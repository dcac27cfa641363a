-- name: record_accepted -> messaging.posting:Answered
-- The provider took the message: its id, what it taught us about the person, and whatever it reported
-- under that id before we knew it. A fence that has moved on means that somebody else has the message.
WITH changed AS (
    UPDATE messaging.message
       SET status = CASE WHEN status IN ('sending', 'unknown') THEN 'accepted' ELSE status END,
           provider_id = COALESCE(provider_id, :provider_id), leased_until = NULL,
           changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message_id AND fence = :fence
    RETURNING message_id, thread_id, purpose, watch, address_id, status, failed_at, failed_class, failed_code
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
    SELECT :workspace, message_id, 'accepted', 'answer', :at FROM changed
        ON CONFLICT (workspace_id, message_id, status, attempt) DO NOTHING
), kept AS (
    DELETE FROM messaging.unmatched_status
     WHERE workspace_id = :workspace AND account_id = :account_id AND provider_id = :provider_id
       AND EXISTS (SELECT FROM messaging.message
                    WHERE workspace_id = :workspace AND message_id = :message_id AND fence = :fence)
    RETURNING provider_id, status, at, failed_class, failed_code, pricing
), learnt AS (
    INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
    SELECT :workspace, l.address_id, t.contact_id, l.kind, l.scope, l.value
      FROM changed
      JOIN messaging.thread AS t ON t.workspace_id = :workspace AND t.thread_id = changed.thread_id
     CROSS JOIN unnest(:address_ids::uuid[], :kinds::text[], :scopes::text[], :values::text[])
           AS l (address_id, kind, scope, value)
        ON CONFLICT (workspace_id, kind, scope, value) DO NOTHING
)
SELECT changed.message_id, changed.thread_id, changed.purpose, changed.watch, changed.address_id,
       changed.status, changed.failed_at, changed.failed_class, changed.failed_code,
       (SELECT jsonb_agg(to_jsonb(kept)) FROM kept) AS kept
  FROM changed;

-- name: record_plainly
-- The provider took these messages, and nothing else is to be heeded: none of them failed, none is
-- watched, nothing was reported under its id before. Of others no row comes back, nor is any changed.
WITH asked AS (
    SELECT * FROM unnest(:messages::uuid[], :fences::integer[], :ats::timestamptz[],
                         :provider_ids::text[], :accounts::uuid[])
           AS a (message_id, fence, at, provider_id, account_id)
), changed AS (
    UPDATE messaging.message AS m
       SET status = 'accepted', provider_id = a.provider_id, leased_until = NULL,
           changed_xid = pg_current_xact_id()
      FROM asked AS a
     WHERE m.workspace_id = :workspace AND m.message_id = a.message_id AND m.fence = a.fence
       AND m.status = 'sending' AND m.failed_at IS NULL AND NOT m.watch
       AND (SELECT true FROM messaging.unmatched_status AS u
             WHERE u.workspace_id = :workspace AND u.account_id = a.account_id
               AND u.provider_id = a.provider_id LIMIT 1) IS NULL
    RETURNING m.message_id, m.thread_id, a.at
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
    SELECT :workspace, message_id, 'accepted', 'answer', at FROM changed
        ON CONFLICT (workspace_id, message_id, status, attempt) DO NOTHING
), learnt AS (
    INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
    SELECT :workspace, l.address_id, t.contact_id, l.kind, l.scope, l.value
      FROM unnest(:of_messages::uuid[], :address_ids::uuid[], :kinds::text[], :scopes::text[],
                  :values::text[]) AS l (message_id, address_id, kind, scope, value)
      JOIN changed AS c ON c.message_id = l.message_id
     CROSS JOIN LATERAL (
           SELECT contact_id FROM messaging.thread
            WHERE workspace_id = :workspace AND thread_id = c.thread_id LIMIT 1) AS t
     ORDER BY l.kind, l.scope, l.value
        ON CONFLICT (workspace_id, kind, scope, value) DO NOTHING
)
SELECT message_id FROM changed;

-- name: record_refused -> messaging.posting:Answered
-- The provider certainly did not take the message, and will not: a failure beside the rank reached.
WITH changed AS (
    UPDATE messaging.message
       SET failed_at = COALESCE(failed_at, :at),
           failed_class = COALESCE(failed_class, :failed_class),
           failed_code = COALESCE(failed_code, :failed_code),
           leased_until = NULL, changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message_id AND fence = :fence
    RETURNING message_id, thread_id, purpose, watch, address_id, status, failed_at, failed_class, failed_code
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at, failed_class, failed_code)
    SELECT :workspace, message_id, 'failed', 'answer', :at, :failed_class, :failed_code FROM changed
        ON CONFLICT (workspace_id, message_id, status, attempt) DO NOTHING
)
SELECT changed.*, NULL::jsonb AS kept FROM changed;

-- name: record_lost -> messaging.posting:Answered
-- Nobody can say whether the provider took the message. A report that came meanwhile knows better.
WITH changed AS (
    UPDATE messaging.message
       SET status = CASE WHEN status = 'sending' AND failed_at IS NULL THEN 'unknown' ELSE status END,
           leased_until = NULL, changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message_id AND fence = :fence
    RETURNING message_id, thread_id, purpose, watch, address_id, status, failed_at, failed_class, failed_code
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
    SELECT :workspace, message_id, 'unknown', 'answer', :at FROM changed WHERE status = 'unknown'
        ON CONFLICT (workspace_id, message_id, status, attempt) DO NOTHING
)
SELECT changed.*, NULL::jsonb AS kept FROM changed;
