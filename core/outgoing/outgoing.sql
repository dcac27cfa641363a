-- name: endpoint_named -> core.outgoing.endpoints:EndpointRow
-- One endpoint as it stands.
SELECT endpoint_id, name, url, events, private, include_caller, sealed, failures, paused_at
  FROM core.webhook_endpoint WHERE workspace_id = :workspace AND name = :name;

-- name: endpoint -> core.outgoing.endpoints:EndpointRow
-- The same, by its id.
SELECT endpoint_id, name, url, events, private, include_caller, sealed, failures, paused_at
  FROM core.webhook_endpoint WHERE workspace_id = :workspace AND endpoint_id = :endpoint;

-- name: put_endpoint
-- Make an endpoint or bring it up to date. One whose address or secret changed is tried again.
INSERT INTO core.webhook_endpoint AS e
       (workspace_id, endpoint_id, name, url, events, private, include_caller, sealed)
VALUES (:workspace, :endpoint, :name, :url, :events, :private, :include_caller, :sealed)
    ON CONFLICT (workspace_id, name) DO UPDATE
   SET url = excluded.url, events = excluded.events, private = excluded.private,
       include_caller = excluded.include_caller, sealed = excluded.sealed, version = e.version + 1,
       failures = 0, failing_since = NULL, paused_at = NULL, paused_reason = NULL
RETURNING endpoint_id;

-- name: drop_endpoints
-- Endpoints that are wanted no longer, with all that was still on its way to them.
DELETE FROM core.webhook_endpoint WHERE workspace_id = :workspace AND name <> ALL (:names::text[]);

-- name: listeners -> core.outgoing.telling:Listener
-- Who is to hear of this: those who asked for the kind of event, and the one it is meant for.
SELECT endpoint_id, include_caller OR name = :meant_for::text IS TRUE AS with_caller
  FROM core.webhook_endpoint
 WHERE workspace_id = :workspace AND (events @> ARRAY[:type::text] OR name = :meant_for);

-- name: put_deliveries
-- The news, once for each listener however often it is told.
INSERT INTO core.webhook_delivery (workspace_id, delivery_id, endpoint_id, type, event_key, body)
SELECT :workspace::integer, d.delivery_id, d.endpoint_id, :type::text, :event_key::text, d.body
  FROM unnest(:deliveries::uuid[], :endpoints::uuid[], :bodies::text[]) AS d (delivery_id, endpoint_id, body)
    ON CONFLICT (workspace_id, endpoint_id, event_key) DO NOTHING
RETURNING endpoint_id;

-- name: due -> core.outgoing.deliveries:Due
-- What is to be sent to this endpoint now, oldest first.
SELECT delivery_id, type, event_key, body, attempts FROM core.webhook_delivery
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint AND state = 'waiting'
   AND due_at <= clock_timestamp()
 ORDER BY due_at, delivery_id LIMIT :size;

-- name: note_results
-- How these attempts ended: delivered, to be tried again after a while, or given up. What arrived is
-- not kept: it may hold a caller's number, and nobody sends it again.
UPDATE core.webhook_delivery AS d
   SET attempts = d.attempts + 1, state = r.state, last_error = r.error,
       body = CASE WHEN r.state = 'delivered' THEN '' ELSE d.body END,
       settled_at = CASE WHEN r.state = 'waiting' THEN NULL ELSE clock_timestamp() END,
       due_at = clock_timestamp() + make_interval(secs => r.again_in_s)
  FROM unnest(:deliveries::uuid[], :states::text[], :errors::text[], :again_in_s::float8[])
       AS r (delivery_id, state, error, again_in_s)
 WHERE d.workspace_id = :workspace AND d.delivery_id = r.delivery_id AND d.state = 'waiting';

-- name: note_success
-- The endpoint answers: it has not failed, whatever was before.
UPDATE core.webhook_endpoint SET failures = 0, failing_since = NULL
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint AND failures > 0
RETURNING endpoint_id;

-- name: note_failures
-- Nothing came through: since when, and how often.
UPDATE core.webhook_endpoint
   SET failures = failures + :count::integer, failing_since = COALESCE(failing_since, clock_timestamp())
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint
RETURNING failures, extract(epoch FROM clock_timestamp() - failing_since)::float8 AS failing_for_s;

-- name: pause
-- No more attempts until a person has looked. What waits goes on waiting.
UPDATE core.webhook_endpoint SET paused_at = clock_timestamp(), paused_reason = :reason
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint AND paused_at IS NULL
RETURNING name;

-- name: resume
-- Try it again from now on.
UPDATE core.webhook_endpoint
   SET paused_at = NULL, paused_reason = NULL, failures = 0, failing_since = NULL
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint;

-- name: all_due_now
-- The endpoint is back: whatever waits for its next attempt need not wait any longer, unless the
-- receiver itself refused it.
UPDATE core.webhook_delivery SET due_at = clock_timestamp()
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint AND state = 'waiting'
   AND due_at > clock_timestamp() AND (:refused_too::boolean OR last_error NOT LIKE 'status_4%');

-- name: revive
-- What was given up gets another life.
UPDATE core.webhook_delivery
   SET state = 'waiting', settled_at = NULL, attempts = 0, due_at = clock_timestamp()
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint AND state = 'given_up'
RETURNING delivery_id;

-- name: next_due
-- When something is to be sent to this endpoint again.
SELECT min(due_at) FROM core.webhook_delivery
 WHERE workspace_id = :workspace AND endpoint_id = :endpoint AND state = 'waiting';

-- name: owed
-- Endpoints that something is due for.
SELECT e.endpoint_id FROM core.webhook_endpoint AS e
 WHERE e.workspace_id = :workspace AND e.paused_at IS NULL
   AND EXISTS (SELECT FROM core.webhook_delivery AS d
                WHERE d.workspace_id = :workspace AND d.endpoint_id = e.endpoint_id
                  AND d.state = 'waiting' AND d.due_at <= clock_timestamp());

-- name: forget_delivered
-- That it arrived is known long enough to be asked about, and not to be told twice.
DELETE FROM core.webhook_delivery
 WHERE workspace_id = :workspace AND state = 'delivered' AND settled_at < clock_timestamp() - interval '3 days';

-- name: forget_given_up
-- What did not is kept long enough to be sent again.
DELETE FROM core.webhook_delivery
 WHERE workspace_id = :workspace AND state = 'given_up' AND settled_at < clock_timestamp() - interval '30 days';

-- name: give_up_old
-- Nobody came to look for so long that the news is none.
UPDATE core.webhook_delivery SET state = 'given_up', settled_at = clock_timestamp(), last_error = 'too_old'
 WHERE workspace_id = :workspace AND state = 'waiting' AND created_at < clock_timestamp() - interval '7 days'
RETURNING delivery_id;

-- name: standing
-- Every endpoint and how it does, for people.
SELECT e.name, e.url, e.events, e.failures, e.failing_since, e.paused_at, e.paused_reason,
       count(d.*) FILTER (WHERE d.state = 'waiting')::integer AS waiting,
       count(d.*) FILTER (WHERE d.state = 'delivered')::integer AS delivered,
       count(d.*) FILTER (WHERE d.state = 'given_up')::integer AS given_up
  FROM core.webhook_endpoint AS e
  LEFT JOIN core.webhook_delivery AS d ON d.workspace_id = e.workspace_id AND d.endpoint_id = e.endpoint_id
 WHERE e.workspace_id = :workspace
 GROUP BY e.workspace_id, e.endpoint_id ORDER BY e.name;
