-- Rows are looked up one by one under LIMIT 1, each by a whole unique key: whatever the statistics
-- say, or do not say yet, such a look-up goes through the index and never through everybody's rows.

-- name: reach
-- The people behind numbers, with whatever of contact, number and thread was missing; a row for every
-- place. The numbers are taken in one order, so that two batches cannot wait for each other.
WITH asked AS (
    SELECT * FROM unnest(:phones::text[], :languages::text[], :accounts::uuid[], :address_ids::uuid[],
                         :contact_ids::uuid[], :thread_ids::uuid[]) WITH ORDINALITY
           AS a (phone, language, account_id, address_id, contact_id, thread_id, place)
), known AS (
    SELECT DISTINCT ON (t.place) t.place, a.contact_id,
           CASE a.kind WHEN 'phone' THEN a.address_id END AS address_id
      FROM unnest(:places::bigint[], :kinds::text[], :scopes::text[], :values::text[]) WITH ORDINALITY
           AS t (place, kind, scope, value, rank)
     CROSS JOIN LATERAL (
           SELECT contact_id, address_id, kind FROM messaging.address
            WHERE workspace_id = :workspace AND kind = t.kind AND scope = t.scope AND value = t.value
            LIMIT 1) AS a
     ORDER BY t.place, t.rank
), reached AS (
    INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
    SELECT :workspace, a.address_id, COALESCE(k.contact_id, a.contact_id), 'phone', '', a.phone
      FROM asked AS a LEFT JOIN known AS k ON k.place = a.place
     WHERE k.address_id IS NULL ORDER BY a.phone
        ON CONFLICT (workspace_id, kind, scope, value) DO UPDATE SET value = excluded.value
    RETURNING contact_id, address_id, value
), person AS (
    INSERT INTO messaging.contact (workspace_id, contact_id, language)
    SELECT :workspace, a.contact_id, a.language
      FROM reached AS r JOIN asked AS a ON a.phone = r.value AND a.contact_id = r.contact_id
), who AS (
    SELECT a.place, a.account_id, r.contact_id, r.address_id
      FROM reached AS r JOIN asked AS a ON a.phone = r.value
    UNION ALL
    SELECT a.place, a.account_id, k.contact_id, k.address_id
      FROM known AS k JOIN asked AS a ON a.place = k.place WHERE k.address_id IS NOT NULL
), held AS (
    SELECT who.place, t.thread_id FROM who
     CROSS JOIN LATERAL (
           SELECT thread_id FROM messaging.thread
            WHERE workspace_id = :workspace AND contact_id = who.contact_id
              AND account_id = who.account_id
            LIMIT 1) AS t
), made AS (
    INSERT INTO messaging.thread (workspace_id, thread_id, contact_id, account_id)
    SELECT :workspace, a.thread_id, who.contact_id, who.account_id
      FROM who JOIN asked AS a ON a.place = who.place
     WHERE NOT EXISTS (SELECT FROM held WHERE held.place = who.place) ORDER BY who.contact_id
        ON CONFLICT (workspace_id, contact_id, account_id) DO UPDATE SET account_id = excluded.account_id
    RETURNING thread_id, contact_id, account_id
)
SELECT who.place, who.contact_id, who.address_id, thread.thread_id
  FROM who
  JOIN (SELECT place, thread_id FROM held
        UNION ALL
        SELECT who.place, made.thread_id
          FROM made JOIN who ON who.contact_id = made.contact_id AND who.account_id = made.account_id
       ) AS thread ON thread.place = who.place;

-- name: say
-- Openings as `sending` under a lease: the outbox workers never see them. One without an id is left
-- out: another part of the statement decided so.
WITH asked AS (
    SELECT * FROM unnest(:messages::uuid[], :threads::uuid[], :accounts::uuid[], :addresses::uuid[],
                         :author_names::text[], :types::text[], :texts::text[], :contents::text[],
                         :client_keys::text[], :watches::boolean[], :leases_s::float8[])
           AS a (message_id, thread_id, account_id, address_id, author_name, type, text, content,
                 client_key, watch, lease_s)
     WHERE a.message_id IS NOT NULL
), told AS (
    INSERT INTO messaging.delivery (workspace_id, message_id, status, attempt, source, at)
    SELECT :workspace, message_id, 'sending', 1, 'service', clock_timestamp() FROM asked
)
INSERT INTO messaging.message
       (workspace_id, message_id, thread_id, account_id, direction, author_kind, author_name, purpose,
        type, text, content, client_key, address_id, watch, status, attempt, fence, leased_until)
SELECT :workspace, a.message_id, a.thread_id, a.account_id, 'out', 'business', a.author_name, 'opening',
       a.type, a.text, a.content::jsonb, a.client_key, a.address_id, a.watch, 'sending', 1, 1,
       clock_timestamp() + make_interval(secs => a.lease_s)
  FROM asked AS a;

-- name: look_up
-- Everything that decides whether these numbers may get an opening from these accounts, in one look; a
-- row for every place.
WITH known AS (
    SELECT t.place, t.rank, a.contact_id, a.address_id
      FROM unnest(:places::bigint[], :kinds::text[], :scopes::text[], :values::text[]) WITH ORDINALITY
           AS t (place, kind, scope, value, rank)
     CROSS JOIN LATERAL (
           SELECT contact_id, address_id FROM messaging.address
            WHERE workspace_id = :workspace AND kind = t.kind AND scope = t.scope AND value = t.value
            LIMIT 1) AS a
)
SELECT asked.place, who.contact_id, t.thread_id, t.window_until, t.last_inbound_at, a.stopped_code,
       (SELECT true FROM messaging.opt_out AS o
         WHERE o.workspace_id = :workspace AND o.contact_id = who.contact_id
           AND o.channel = asked.channel LIMIT 1) IS NOT NULL AS opted_out,
       (SELECT jsonb_agg(to_jsonb(r)) FROM known CROSS JOIN LATERAL (
            SELECT * FROM messaging.reachability
             WHERE workspace_id = :workspace AND address_id = known.address_id
               AND channel = asked.channel
             LIMIT 1) AS r WHERE known.place = asked.place) AS reachability
  FROM unnest(:accounts::uuid[], :channels::text[]) WITH ORDINALITY AS asked (account_id, channel, place)
  LEFT JOIN LATERAL (
        SELECT contact_id FROM known WHERE known.place = asked.place ORDER BY rank LIMIT 1) AS who ON true
  LEFT JOIN LATERAL (
        SELECT thread_id, window_until, last_inbound_at FROM messaging.thread
         WHERE workspace_id = :workspace AND contact_id = who.contact_id
           AND account_id = asked.account_id
         LIMIT 1) AS t ON true
  LEFT JOIN LATERAL (
        SELECT stopped_code FROM messaging.account
         WHERE workspace_id = :workspace AND account_id = asked.account_id
           AND stopped_until > clock_timestamp() LIMIT 1) AS a ON true;

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
