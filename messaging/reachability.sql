-- Rows are looked up one by one under LIMIT 1, each by a whole unique key: whatever the statistics
-- say, or do not say yet, such a look-up goes through the index and never through everybody's rows.

-- name: look -> messaging.reachability:Known
-- What is known about a number on a channel, under the number itself or an id it goes by.
SELECT r.positive_at, r.positive_source, r.sent_at, r.negative_at, r.negative_until, r.negative_code
  FROM unnest(:kinds::text[], :scopes::text[], :values::text[]) AS t (kind, scope, value)
 CROSS JOIN LATERAL (
       SELECT address_id FROM messaging.address
        WHERE workspace_id = :workspace AND kind = t.kind AND scope = t.scope AND value = t.value
        LIMIT 1) AS a
 CROSS JOIN LATERAL (
       SELECT * FROM messaging.reachability
        WHERE workspace_id = :workspace AND address_id = a.address_id AND channel = :channel
        LIMIT 1) AS r;

-- name: witness
-- Sightings of addresses on a channel. The latest positive counts; every failure after it makes
-- asking again rarer, from a day up to a week. Rows are taken in one order, so that two batches
-- cannot wait for each other.
INSERT INTO messaging.reachability AS r
       (workspace_id, address_id, channel, positive_at, positive_source, sent_at,
        negative_at, negative_until, negative_code, negatives)
SELECT :workspace, t.address_id, :channel, t.positive_at, t.positive_source, t.sent_at,
       t.negative_at, t.negative_at + interval '24 hours', t.negative_code,
       CASE WHEN t.negative_at IS NULL THEN 0 ELSE 1 END
  FROM unnest(:address_ids::uuid[], :positive_ats::timestamptz[], :positive_sources::text[],
              :sent_ats::timestamptz[], :negative_ats::timestamptz[], :negative_codes::text[])
       AS t (address_id, positive_at, positive_source, sent_at, negative_at, negative_code)
 ORDER BY t.address_id
    ON CONFLICT (workspace_id, address_id, channel) DO UPDATE
   SET positive_at = GREATEST(r.positive_at, excluded.positive_at),
       positive_source = CASE WHEN r.positive_at IS NULL OR excluded.positive_at >= r.positive_at
                              THEN excluded.positive_source ELSE r.positive_source END,
       sent_at = GREATEST(r.sent_at, excluded.sent_at),
       negative_at = GREATEST(r.negative_at, excluded.negative_at),
       negative_code = COALESCE(excluded.negative_code, r.negative_code),
       negatives = CASE WHEN excluded.negative_at IS NULL THEN r.negatives
                        WHEN r.positive_at > r.negative_at THEN 1
                        ELSE r.negatives + 1 END,
       negative_until = CASE WHEN excluded.negative_at IS NULL THEN r.negative_until
                             WHEN r.positive_at > r.negative_at
                             THEN excluded.negative_at + interval '24 hours'
                             ELSE excluded.negative_at + LEAST(
                                 interval '24 hours' * 2 ^ LEAST(r.negatives, 10), interval '7 days') END;

-- name: addresses_to_witness
-- The addresses by which a customer's own message proves a contact reachable.
SELECT address_id FROM messaging.address
 WHERE workspace_id = :workspace AND contact_id = :contact_id AND kind IN ('phone', 'wa_id')
   AND scope IN ('', :channel);
