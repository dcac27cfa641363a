-- name: lock_reported -> messaging.deliveries:Tracked
-- The messages that reports are about, found by our id or by the provider's, locked in one order so
-- that two batches cannot wait for each other.
WITH told AS (
    SELECT message_id, provider_id, place::integer AS place
      FROM unnest(:message_ids::uuid[], :provider_ids::text[])
           WITH ORDINALITY AS t (message_id, provider_id, place)
), found AS (
    SELECT t.place, m.message_id FROM told AS t
      JOIN messaging.message AS m
        ON m.workspace_id = :workspace AND m.message_id = t.message_id
     WHERE m.account_id = :account_id AND m.direction = 'out'
    UNION
    SELECT t.place, m.message_id FROM told AS t
      JOIN messaging.message AS m
        ON m.workspace_id = :workspace AND m.account_id = :account_id AND m.provider_id = t.provider_id
     WHERE m.direction = 'out'
)
SELECT f.place, m.message_id, m.thread_id, m.purpose, m.watch, m.address_id, m.status, m.provider_id,
       m.failed_at, m.failed_class, m.failed_code, m.pricing IS NOT NULL AS priced
  FROM found AS f
  JOIN messaging.message AS m ON m.workspace_id = :workspace AND m.message_id = f.message_id
 ORDER BY m.message_id, f.place
   FOR NO KEY UPDATE OF m;

-- name: apply
-- What the reports made of their messages, and each report once: of a repeated one the earliest
-- telling stays.
WITH changed AS (
    UPDATE messaging.message AS m
       SET status = t.status, provider_id = COALESCE(m.provider_id, t.provider_id),
           failed_at = t.failed_at, failed_class = t.failed_class, failed_code = t.failed_code,
           leased_until = CASE WHEN t.status = 'sending' AND t.failed_at IS NULL THEN m.leased_until END,
           pricing = COALESCE(m.pricing, t.pricing::jsonb), changed_xid = pg_current_xact_id()
      FROM unnest(:message_ids::uuid[], :statuses::text[], :provider_ids::text[],
                  :failed_ats::timestamptz[], :failed_classes::text[], :failed_codes::text[],
                  :pricings::text[])
           AS t (message_id, status, provider_id, failed_at, failed_class, failed_code, pricing)
     WHERE m.workspace_id = :workspace AND m.message_id = t.message_id
)
INSERT INTO messaging.delivery AS d
       (workspace_id, message_id, status, source, at, failed_class, failed_code)
SELECT :workspace, r.message_id, r.status, 'webhook', r.at, r.failed_class, r.failed_code
  FROM unnest(:report_ids::uuid[], :report_statuses::text[], :report_ats::timestamptz[],
              :report_classes::text[], :report_codes::text[])
       AS r (message_id, status, at, failed_class, failed_code)
    ON CONFLICT (workspace_id, message_id, status, attempt) DO UPDATE
   SET at = excluded.at, failed_class = excluded.failed_class, failed_code = excluded.failed_code
 WHERE (excluded.at, COALESCE(excluded.failed_code, '')) < (d.at, COALESCE(d.failed_code, ''));

-- name: keep_unmatched
-- Reports about messages that nobody here knows yet: the answer to the sending may still be on its way.
INSERT INTO messaging.unmatched_status
       (workspace_id, account_id, provider_id, status, at, failed_class, failed_code, pricing)
SELECT :workspace, :account_id, t.provider_id, t.status, t.at, t.failed_class, t.failed_code, t.pricing::jsonb
  FROM unnest(:provider_ids::text[], :statuses::text[], :ats::timestamptz[],
              :failed_classes::text[], :failed_codes::text[], :pricings::text[])
       AS t (provider_id, status, at, failed_class, failed_code, pricing)
 ORDER BY t.provider_id, t.status
    ON CONFLICT (workspace_id, account_id, provider_id, status) DO NOTHING;

-- name: take_matched
-- Reports that were kept and whose message is known by now.
DELETE FROM messaging.unmatched_status AS u
 USING messaging.message AS m
 WHERE u.workspace_id = :workspace AND u.account_id = :account_id
   AND m.workspace_id = u.workspace_id AND m.account_id = u.account_id AND m.provider_id = u.provider_id
RETURNING u.provider_id, u.status, u.at, u.failed_class, u.failed_code, u.pricing;

-- name: unmatched_left
-- Is any report of this account, still young, without its message?
SELECT EXISTS (SELECT FROM messaging.unmatched_status
                WHERE workspace_id = :workspace AND account_id = :account_id
                  AND received_at > clock_timestamp() - interval '10 minutes');
