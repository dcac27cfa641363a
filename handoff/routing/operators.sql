-- name: enrol
-- Someone who can be given work.
INSERT INTO handoff.operator_state (workspace_id, operator_id, since)
VALUES (:workspace, :operator, :at)
    ON CONFLICT DO NOTHING;

-- name: set_capacity
-- How many conversations this person holds at most.
UPDATE handoff.operator_state SET capacity = :capacity, changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND operator_id = :operator AND capacity <> :capacity;

-- name: lock_operator -> handoff.routing.presence:Presence
-- One operator, held against placers; always after the conversation, when there is one.
SELECT operator_id, declared, reason, link, not_responding, misses, load, capacity, since, grace_until
  FROM handoff.operator_state
 WHERE workspace_id = :workspace AND operator_id = :operator
   FOR NO KEY UPDATE;

-- name: operator -> handoff.routing.presence:Presence
-- One operator as they stand.
SELECT operator_id, declared, reason, link, not_responding, misses, load, capacity, since, grace_until
  FROM handoff.operator_state
 WHERE workspace_id = :workspace AND operator_id = :operator;

-- name: save_presence
-- The operator's next presence; the interval that ends and the one that begins are written with it.
WITH changed AS (
    UPDATE handoff.operator_state
       SET declared = :declared, reason = :reason, link = :link, not_responding = :not_responding,
           misses = :misses, since = :since, grace_until = :grace_until,
           changed_xid = pg_current_xact_id()
     WHERE workspace_id = :workspace AND operator_id = :operator
    RETURNING workspace_id, operator_id, declared, reason, link, not_responding
), ended AS (
    UPDATE handoff.presence_interval SET ended_at = :at
     WHERE workspace_id = :workspace AND operator_id = :operator AND ended_at IS NULL
       AND :anew::boolean
    RETURNING interval_id
), none_open AS (
    -- The interval before must have ended when the next one is checked for being the only one.
    SELECT count(*) AS ended FROM ended
)
INSERT INTO handoff.presence_interval (
    workspace_id, interval_id, operator_id, declared, reason, link, not_responding, began_at)
SELECT workspace_id, :interval, operator_id, declared, reason, link, not_responding, :at
  FROM changed, none_open
 WHERE :anew AND none_open.ended >= 0;

-- name: take
-- One more in these hands, if there is room: no row means that there is none.
UPDATE handoff.operator_state
   SET load = load + 1, last_assigned_at = :at, changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND operator_id = :operator AND load < capacity
RETURNING load;

-- name: release
-- One less.
UPDATE handoff.operator_state
   SET load = load - 1, changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND operator_id = :operator
RETURNING load;

-- name: put_socket
-- A desk is connected, or still is: leased by the database's clock.
INSERT INTO handoff.operator_socket (workspace_id, socket_id, operator_id, expires_at)
VALUES (:workspace, :socket, :operator, clock_timestamp() + make_interval(secs => :lease_s))
    ON CONFLICT (workspace_id, socket_id) DO UPDATE SET expires_at = excluded.expires_at;

-- name: beat
-- This desk is still there; no row means that it was given up and must connect again.
UPDATE handoff.operator_socket
   SET expires_at = clock_timestamp() + make_interval(secs => :lease_s)
 WHERE workspace_id = :workspace AND socket_id = :socket AND expires_at > clock_timestamp()
RETURNING operator_id;

-- name: socket_operator
-- Whose desk this is.
SELECT operator_id FROM handoff.operator_socket
 WHERE workspace_id = :workspace AND socket_id = :socket;

-- name: drop_sockets
-- One desk that said goodbye, and all of this operator's that ran out.
DELETE FROM handoff.operator_socket
 WHERE workspace_id = :workspace AND operator_id = :operator
   AND (socket_id = :socket OR expires_at <= clock_timestamp());

-- name: has_socket
-- Is any desk of this operator connected?
SELECT EXISTS (SELECT FROM handoff.operator_socket
                WHERE workspace_id = :workspace AND operator_id = :operator
                  AND expires_at > clock_timestamp());

-- name: operators_with_dead_sockets
-- Whose desks went without a goodbye.
SELECT DISTINCT operator_id FROM handoff.operator_socket
 WHERE workspace_id = :workspace AND expires_at <= clock_timestamp()
 ORDER BY operator_id;

-- name: next_socket_end
-- In how many seconds the next desk runs out, unless it beats; NULL when none is connected.
SELECT extract(epoch FROM min(expires_at) - clock_timestamp())::float8 FROM handoff.operator_socket
 WHERE workspace_id = :workspace;

-- name: grace_of
-- How long what an operator holds waits for them when they are cut off: their most patient queue.
SELECT COALESCE(max(q.grace_s), 60) FROM handoff.queue_member AS m
  JOIN handoff.queue AS q USING (workspace_id, queue_id)
 WHERE m.workspace_id = :workspace AND m.operator_id = :operator;
