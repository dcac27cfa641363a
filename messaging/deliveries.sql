-- Rows are looked up one by one under LIMIT 1, each by a whole unique key: whatever the statistics
-- say, or do not say yet, such a look-up goes through the index and never through everybody's rows.

-- name: lock_reported -> messaging.deliveries:Tracked
-- The messages that reports are about, found by our id or by the provider's, locked in one order so
-- that two batches cannot wait for each other.
WITH found AS (
    SELECT t.place::integer AS place, COALESCE(by_id.message_id, by_provider.message_id) AS message_id
      FROM unnest(:message_ids::uuid[], :provider_ids::text[])
           WITH ORDINALITY AS t (message_id, provider_id, place)
      LEFT JOIN LATERAL (
           SELECT m.message_id FROM messaging.message AS m
            WHERE m.workspace_id = :workspace AND m.message_id = t.message_id
              AND m.account_id = :account_id AND m.direction = 'out' LIMIT 1) AS by_id ON true
      LEFT JOIN LATERAL (
           SELECT m.message_id FROM messaging.message AS m
            WHERE by_id.message_id IS NULL AND m.workspace_id = :workspace
              AND m.account_id = :account_id AND m.provider_id = t.provider_id
              AND m.direction = 'out' LIMIT 1) AS by_provider ON true
)
SELECT f.place, m.message_id, m.thread_id, m.purpose, m.watch, m.address_id, m.status, m.provider_id,
       m.failed_at, m.failed_class, m.failed_code, m.priced
  FROM (SELECT place, message_id FROM found WHERE message_id IS NOT NULL
         ORDER BY message_id, place) AS f
 CROSS JOIN LATERAL (
       SELECT k.message_id, k.thread_id, k.purpose, k.watch, k.address_id, k.status, k.provider_id,
              k.failed_at, k.failed_class, k.failed_code, k.pricing IS NOT NULL AS priced
         FROM messaging.message AS k
        WHERE k.workspace_id = :workspace AND k.message_id = f.message_id
          FOR NO KEY UPDATE) AS m;

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
 WHERE u.workspace_id = :workspace AND u.account_id = :account_id
   AND (SELECT m.message_id FROM messaging.message AS m
         WHERE m.workspace_id = u.workspace_id AND m.account_id = u.account_id
           AND m.provider_id = u.provider_id LIMIT 1) IS NOT NULL
RETURNING u.provider_id, u.status, u.at, u.failed_class, u.failed_code, u.pricing;

-- name: unmatched_left
-- Is any report of this account, still young, without its message?
SELECT EXISTS (SELECT FROM messaging.unmatched_status
                WHERE workspace_id = :workspace AND account_id = :account_id
                  AND received_at > clock_timestamp() - interval '10 minutes');
