-- name: hold_out
-- A conversation is held out to an operator until this time.
INSERT INTO handoff.reservation (
    workspace_id, reservation_id, conversation_id, operator_id, queue_id, status, epoch, offered_at,
    expires_at)
VALUES (:workspace, :reservation, :conversation, :operator, :queue, 'pending', :epoch, :at, :expires_at);

-- name: reservation -> handoff.routing.reservations:Reservation
-- One reservation as it stands.
SELECT reservation_id, conversation_id, operator_id, queue_id, status, epoch, offered_at, expires_at,
       reason
  FROM handoff.reservation WHERE workspace_id = :workspace AND reservation_id = :reservation;

-- name: live_reservation -> handoff.routing.reservations:Reservation
-- What a conversation is held out under now.
SELECT reservation_id, conversation_id, operator_id, queue_id, status, epoch, offered_at, expires_at,
       reason
  FROM handoff.reservation
 WHERE workspace_id = :workspace AND conversation_id = :conversation AND status = 'pending';

-- name: pending_of -> handoff.routing.reservations:Reservation
-- What is held out to an operator.
SELECT reservation_id, conversation_id, operator_id, queue_id, status, epoch, offered_at, expires_at,
       reason
  FROM handoff.reservation
 WHERE workspace_id = :workspace AND operator_id = :operator AND status = 'pending'
 ORDER BY reservation_id;

-- name: settle
-- It ends, once: no row when it had ended already, or when the conversation has moved on.
UPDATE handoff.reservation
   SET status = :status, settled_at = :at, reason = :reason, changed_xid = pg_current_xact_id()
 WHERE workspace_id = :workspace AND reservation_id = :reservation AND status = 'pending'
   AND epoch = :epoch AND (:status <> 'accepted' OR expires_at > :at)
RETURNING reservation_id;
