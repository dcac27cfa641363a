-- name: take_in
-- Events that nobody took in before, each with its payload: the key decides, in one order, so that
-- two batches cannot wait for each other.
WITH told AS (
    SELECT * FROM unnest(:inbox_ids::uuid[], :account_ids::uuid[], :event_keys::text[], :kinds::text[],
                         :payloads::text[], :raws::bytea[])
           AS t (inbox_id, account_id, event_key, kind, payload, raw)
), fresh AS (
    INSERT INTO messaging.seen (workspace_id, account_id, event_key)
    SELECT :workspace, account_id, event_key FROM told ORDER BY account_id, event_key
        ON CONFLICT (workspace_id, account_id, event_key) DO NOTHING
    RETURNING account_id, event_key
)
INSERT INTO messaging.inbox (workspace_id, inbox_id, account_id, kind, event_key, payload, raw)
SELECT :workspace, t.inbox_id, t.account_id, t.kind, t.event_key, t.payload::jsonb, t.raw
  FROM told AS t JOIN fresh AS f ON f.account_id = t.account_id AND f.event_key = t.event_key
RETURNING inbox_id;
