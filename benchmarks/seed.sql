-- name: befriend
-- People who were reached before: the number, what the provider calls it, a chat, and fresh evidence.
-- They are what `confirm: accepted` asks for; nobody else may be hung up on so early.
WITH people AS MATERIALIZED (
    SELECT number, gen_random_uuid() AS contact_id, gen_random_uuid() AS address_id
      FROM unnest(:numbers::text[]) AS number
), contacts AS (
    INSERT INTO messaging.contact (workspace_id, contact_id, language)
    SELECT :workspace, contact_id, 'ru' FROM people
), addresses AS (
    INSERT INTO messaging.address (workspace_id, address_id, contact_id, kind, scope, value)
    SELECT :workspace, address_id, contact_id, 'phone', '', number FROM people
    UNION ALL
    SELECT :workspace, gen_random_uuid(), contact_id, 'wa_id', 'whatsapp', ltrim(number, '+') FROM people
), threads AS (
    INSERT INTO messaging.thread (workspace_id, thread_id, contact_id, account_id)
    SELECT :workspace, gen_random_uuid(), p.contact_id, a.account_id
      FROM people AS p, messaging.account AS a WHERE a.workspace_id = :workspace
)
INSERT INTO messaging.reachability (workspace_id, address_id, channel, positive_at, positive_source)
SELECT :workspace, address_id, 'whatsapp', clock_timestamp(), 'delivered' FROM people;
