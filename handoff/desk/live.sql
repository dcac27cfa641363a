-- name: moment -> handoff.desk.cursor:Moment
-- Every transaction before `done_to` had ended when this was asked; none from `begun_to` on had begun.
-- The database and its timeline tell a cursor of another one, or of a past that a restore took back.
SELECT pg_snapshot_xmin(s.snapshot)::text AS done_to, pg_snapshot_xmax(s.snapshot)::text AS begun_to,
       d.oid::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS lineage,
       extract(epoch FROM clock_timestamp())::bigint AS at
  FROM pg_current_snapshot() AS s (snapshot)
  JOIN pg_database AS d ON d.datname = current_database();

-- name: changed -> handoff.desk.changes:Touched
-- What was changed by transactions that a reader may not have seen: names only, the state is read after.
SELECT 'conversation' AS kind, conversation_id AS id, 0 AS seq, changed_xid::text AS version
  FROM handoff.conversation
 WHERE workspace_id = :workspace AND changed_xid >= :since::text::xid8
UNION ALL
SELECT 'entry', conversation_id, seq, changed_xid::text FROM handoff.entry
 WHERE workspace_id = :workspace AND changed_xid >= :since::text::xid8
UNION ALL
SELECT 'delivery', e.conversation_id, e.seq, m.changed_xid::text
  FROM messaging.message AS m
  JOIN handoff.entry AS e ON e.workspace_id = m.workspace_id AND e.message_id = m.message_id
 WHERE m.workspace_id = :workspace AND m.changed_xid >= :since::text::xid8
UNION ALL
SELECT 'reservation', reservation_id, 0, changed_xid::text FROM handoff.reservation
 WHERE workspace_id = :workspace AND changed_xid >= :since::text::xid8
UNION ALL
SELECT 'presence', operator_id, 0, changed_xid::text FROM handoff.operator_state
 WHERE workspace_id = :workspace AND changed_xid >= :since::text::xid8
UNION ALL
SELECT 'viewers', conversation_id, 0, changed_xid::text FROM handoff.viewed
 WHERE workspace_id = :workspace AND changed_xid >= :since::text::xid8
 LIMIT :limit;

-- name: places -> handoff.desk.rows:Place
-- Where these conversations stand.
SELECT conversation_id, queue_id, operator_id, last_seq
  FROM handoff.conversation
 WHERE workspace_id = :workspace AND conversation_id = ANY (:conversations::uuid[]);

-- name: past_places -> handoff.desk.changes:Past
-- Where these conversations have ever stood: who once saw one must hear that it is gone.
SELECT conversation_id, array_agg(DISTINCT queue_id) AS queues,
       array_agg(DISTINCT operator_id) FILTER (WHERE operator_id IS NOT NULL) AS operators
  FROM handoff.transition
 WHERE workspace_id = :workspace AND conversation_id = ANY (:conversations::uuid[])
 GROUP BY conversation_id;

-- name: reservations -> handoff.desk.rows:ReservationRow
-- These reservations as they stand.
SELECT reservation_id, conversation_id, operator_id, status, expires_at
  FROM handoff.reservation
 WHERE workspace_id = :workspace AND reservation_id = ANY (:reservations::uuid[]);

-- name: held
-- What is in this person's hands, held out to them included.
SELECT conversation_id FROM handoff.conversation
 WHERE workspace_id = :workspace AND operator_id = :person
 ORDER BY conversation_id;

-- name: writing -> handoff.desk.changes:Writing
-- Where somebody was seen writing, until the sign is taken back.
SELECT viewing AS conversation_id, max(typing_until) AS until
  FROM handoff.operator_socket
 WHERE workspace_id = :workspace AND viewing IS NOT NULL AND typing_until IS NOT NULL
 GROUP BY viewing;

-- name: standing -> handoff.desk.warden:Standing
-- Sessions that still count, with what their people may do now.
SELECT s.session_id, p.person_id, p.email, p.name, p.roles, p.rights,
       ARRAY(SELECT m.queue_id FROM handoff.queue_member AS m
              WHERE m.workspace_id = :workspace AND m.operator_id = p.person_id) AS queues
  FROM core.session AS s
  JOIN core.person AS p ON p.workspace_id = s.workspace_id AND p.person_id = s.person_id
 WHERE s.workspace_id = :workspace AND s.session_id = ANY (:sessions::uuid[])
   AND s.ended_at IS NULL AND s.expires_at > now() AND p.disabled_at IS NULL;

-- name: every_queue
-- The ids of all queues, for those who may see them all.
SELECT queue_id FROM handoff.queue WHERE workspace_id = :workspace;

-- name: clear_viewed
-- Forget who looked where so long ago that no cursor reaches back to it; what another process is
-- clearing is left to it.
DELETE FROM handoff.viewed AS v
 USING (SELECT changed_xid, conversation_id FROM handoff.viewed
         WHERE workspace_id = :workspace AND at < now() - interval '1 hour'
         ORDER BY at LIMIT 10000 FOR UPDATE SKIP LOCKED) AS old
 WHERE v.workspace_id = :workspace AND v.changed_xid = old.changed_xid
   AND v.conversation_id = old.conversation_id;
