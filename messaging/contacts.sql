-- Rows are looked up one by one under LIMIT 1, each by a whole unique key: whatever the statistics
-- say, or do not say yet, such a look-up goes through the index and never through everybody's rows.

-- name: contact_for_phone -> messaging.contacts:ContactRow
-- Whoever has this number, made when nobody has. A contact that only wrote to us so far is found by
-- the WhatsApp ids that the number may go by, and gets the number. Two that make the same contact at
-- once end up with one: the second's address gives way, and with it the contact it would have made.
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
), made AS (
    INSERT INTO messaging.contact (workspace_id, contact_id)
    SELECT :workspace, contact_id FROM reached WHERE contact_id = :contact_id
), who AS (
    SELECT contact_id, address_id FROM reached
    UNION ALL SELECT contact_id, address_id FROM known WHERE address_id IS NOT NULL
)
SELECT who.contact_id, who.address_id,
       ARRAY(SELECT o.channel FROM messaging.opt_out AS o
              WHERE o.workspace_id = :workspace AND o.contact_id = who.contact_id) AS opted_out
  FROM who;

-- name: find_by_addresses -> messaging.contacts:Match
-- Which contacts go by these addresses; the first place in the list is the surest.
SELECT a.contact_id, a.address_id, t.place::integer AS place
  FROM unnest(:kinds::text[], :scopes::text[], :values::text[]) WITH ORDINALITY
       AS t (kind, scope, value, place)
 CROSS JOIN LATERAL (
       SELECT contact_id, address_id FROM messaging.address
        WHERE workspace_id = :workspace AND kind = t.kind AND scope = t.scope AND value = t.value
        LIMIT 1) AS a
 ORDER BY t.place;

-- name: add_contact
-- Someone new, with the addresses that nobody has yet; without any of them, nobody is made.
WITH taken AS (
    INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
    SELECT :workspace, t.address_id, :contact_id, t.kind, t.scope, t.value
      FROM unnest(:address_ids::uuid[], :kinds::text[], :scopes::text[], :values::text[])
           AS t (address_id, kind, scope, value)
        ON CONFLICT (workspace_id, kind, scope, value) DO NOTHING
    RETURNING contact_id
)
INSERT INTO messaging.contact (workspace_id, contact_id, name)
SELECT DISTINCT :workspace::integer, contact_id, :name::text FROM taken
RETURNING contact_id;

-- name: learn_addresses
-- More ways to reach a contact; what belongs to someone else stays theirs.
INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
SELECT :workspace, t.address_id, :contact_id, t.kind, t.scope, t.value
  FROM unnest(:address_ids::uuid[], :kinds::text[], :scopes::text[], :values::text[])
       AS t (address_id, kind, scope, value)
    ON CONFLICT (workspace_id, kind, scope, value) DO NOTHING;

-- name: addresses_of
-- Everything that could reach a contact on one network, oldest first.
SELECT kind, value, address_id FROM messaging.address
 WHERE workspace_id = :workspace AND contact_id = :contact_id AND scope IN ('', :scope)
 ORDER BY address_id;

-- name: contact -> messaging.contacts:Contact
-- A person as the desk shows them.
SELECT c.contact_id, c.name, c.language, c.attributes, c.created_at,
       (SELECT CASE a.kind WHEN 'phone' THEN a.value ELSE '+' || a.value END FROM messaging.address AS a
         WHERE a.workspace_id = c.workspace_id AND a.contact_id = c.contact_id
           AND a.kind IN ('phone', 'wa_id') ORDER BY a.kind, a.address_id LIMIT 1) AS phone,
       ARRAY(SELECT o.channel FROM messaging.opt_out AS o
              WHERE o.workspace_id = c.workspace_id AND o.contact_id = c.contact_id) AS opted_out
  FROM messaging.contact AS c
 WHERE c.workspace_id = :workspace AND c.contact_id = :contact_id;

-- name: name_contact
-- What the messenger's profile calls them, while nobody here has called them otherwise.
UPDATE messaging.contact SET name = :name
 WHERE workspace_id = :workspace AND contact_id = :contact_id AND name IS NULL;

-- name: set_language
-- The language this person is spoken to in.
UPDATE messaging.contact SET language = :language
 WHERE workspace_id = :workspace AND contact_id = :contact_id AND language IS DISTINCT FROM :language;

-- name: opt_out
-- This person wants nothing from us on this channel. The last time counts: they may have written
-- since the first, and so let us answer again.
INSERT INTO messaging.opt_out (workspace_id, contact_id, channel, reason)
VALUES (:workspace, :contact_id, :channel, :reason)
    ON CONFLICT (workspace_id, contact_id, channel) DO UPDATE
   SET reason = excluded.reason, at = excluded.at;
