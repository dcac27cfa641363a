-- Rows are looked up one by one under LIMIT 1, each by a whole unique key: whatever the statistics
-- say, or do not say yet, such a look-up goes through the index and never through everybody's rows.

-- name: prepare
-- An opening as `sending` under a lease, with whatever of contact, number and thread was missing:
-- one statement, because a caller is on the line. The outbox workers never see it.
WITH known AS (
    SELECT a.contact_id, CASE a.kind WHEN 'phone' THEN a.address_id END AS address_id
      FROM unnest(:kinds::text[], :scopes::text[], :values::text[]) WITH ORDINALITY
           AS t (kind, scope, value, place)
     CROSS JOIN LATERAL (
           SELECT contact_id, address_id, kind FROM messaging.address
            WHERE workspace_id = :workspace AND kind = t.kind AND scope = t.scope AND value = t.value
            LIMIT 1) AS a
     ORDER BY t.place LIMIT 1
), reached AS (
    INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
    SELECT :workspace, :address_id, COALESCE((SELECT contact_id FROM known), :contact_id), 'phone', '', :phone
     WHERE NOT EXISTS (SELECT FROM known WHERE address_id IS NOT NULL)
        ON CONFLICT (workspace_id, kind, scope, value) DO UPDATE SET value = excluded.value
    RETURNING contact_id, address_id
), person AS (
    INSERT INTO messaging.contact (workspace_id, contact_id, language)
    SELECT :workspace, contact_id, :language FROM reached WHERE contact_id = :contact_id
), who AS (
    SELECT contact_id, address_id FROM reached
    UNION ALL SELECT contact_id, address_id FROM known WHERE address_id IS NOT NULL
), held AS (
    SELECT t.thread_id FROM who
     CROSS JOIN LATERAL (
           SELECT thread_id FROM messaging.thread
            WHERE workspace_id = :workspace AND contact_id = who.contact_id AND account_id = :account_id
            LIMIT 1) AS t
), made AS (
    INSERT INTO messaging.thread (workspace_id, thread_id, contact_id, account_id)
    SELECT :workspace, :thread_id, contact_id, :account_id FROM who WHERE NOT EXISTS (SELECT FROM held)
        ON CONFLICT (workspace_id, contact_id, account_id) DO UPDATE SET account_id = excluded.account_id
    RETURNING thread_id
), said AS (
    INSERT INTO messaging.message
           (workspace_id, message_id, thread_id, account_id, direction, author_kind, author_name, purpose,
            type, text, content, client_key, address_id, watch, status, attempt, fence, leased_until)
    SELECT :workspace, :message_id, thread.thread_id, :account_id, 'out', 'business', :author_name, 'opening',
           :type, :text, :content, :client_key, who.address_id, :watch, 'sending', 1, 1,
           clock_timestamp() + make_interval(secs => :lease_s)
      FROM who, (SELECT thread_id FROM held UNION ALL SELECT thread_id FROM made) AS thread
    RETURNING thread_id
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, attempt, source, at)
    SELECT :workspace, :message_id, 'sending', 1, 'service', clock_timestamp() FROM said
)
SELECT who.contact_id, who.address_id, said.thread_id FROM who, said;

-- name: look_up
-- Everything that decides whether this number may get an opening from this account, in one look.
WITH known AS (
    SELECT a.contact_id, a.address_id, t.place
      FROM unnest(:kinds::text[], :scopes::text[], :values::text[]) WITH ORDINALITY
           AS t (kind, scope, value, place)
     CROSS JOIN LATERAL (
           SELECT contact_id, address_id FROM messaging.address
            WHERE workspace_id = :workspace AND kind = t.kind AND scope = t.scope AND value = t.value
            LIMIT 1) AS a
), who AS (
    SELECT contact_id FROM known ORDER BY place LIMIT 1
)
SELECT who.contact_id, t.thread_id, t.window_until, t.last_inbound_at, a.stopped_code,
       EXISTS (SELECT FROM messaging.opt_out AS o
                WHERE o.workspace_id = :workspace AND o.contact_id = who.contact_id
                  AND o.channel = :channel) AS opted_out,
       (SELECT jsonb_agg(to_jsonb(r)) FROM known CROSS JOIN LATERAL (
            SELECT * FROM messaging.reachability
             WHERE workspace_id = :workspace AND address_id = known.address_id AND channel = :channel
             LIMIT 1) AS r) AS reachability
  FROM (SELECT 1) AS one
  LEFT JOIN who ON true
  LEFT JOIN LATERAL (
        SELECT thread_id, window_until, last_inbound_at FROM messaging.thread
         WHERE workspace_id = :workspace AND contact_id = who.contact_id AND account_id = :account_id
         LIMIT 1) AS t ON true
  LEFT JOIN messaging.account AS a
    ON a.workspace_id = :workspace AND a.account_id = :account_id AND a.stopped_until > clock_timestamp();

-- name: state -> messaging.openings:StateRow
-- Where a message stands, and for how long it has been known to be sent.
SELECT m.message_id, m.status, m.failed_at, m.failed_class, m.failed_code,
       (SELECT extract(epoch FROM clock_timestamp() - min(d.recorded_at))::float8
          FROM messaging.delivery AS d
         WHERE d.workspace_id = m.workspace_id AND d.message_id = m.message_id
           AND d.status IN ('sent', 'delivered', 'read')) AS sent_for_s
  FROM messaging.message AS m
 WHERE m.workspace_id = :workspace AND m.message_id = :message_id;

-- name: lock
-- Hold a message still: a decision about it and a report about it take turns.
SELECT 1 FROM messaging.message
 WHERE workspace_id = :workspace AND message_id = :message_id FOR NO KEY UPDATE;

-- name: expire
-- Whoever was sending is gone, by the database's clock; whether the message left, nobody knows. The
-- fence stays: an opening goes out once at most, so the sender's late word is still the truth.
WITH changed AS (
    UPDATE messaging.message
       SET status = 'unknown', leased_until = NULL, changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND message_id = :message_id
       AND status = 'sending' AND leased_until < clock_timestamp()
    RETURNING message_id
)
INSERT INTO messaging.delivery (workspace_id, message_id, status, source, at)
SELECT :workspace, message_id, 'unknown', 'service', clock_timestamp() FROM changed
    ON CONFLICT (workspace_id, message_id, status, attempt) DO NOTHING
RETURNING message_id;
