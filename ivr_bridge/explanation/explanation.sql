-- name: call_of_deflection
-- The call that an attempt belongs to.
SELECT call_ref, line_id FROM ivr_bridge.deflection
 WHERE workspace_id = :workspace AND deflection_id = :deflection;

-- name: calls_named
-- The calls that go by this id, on whichever line; PBXes number theirs independently of each other.
SELECT c.call_ref, c.line_id
  FROM ivr_bridge.line AS l
 CROSS JOIN LATERAL (
       SELECT call_ref, line_id FROM ivr_bridge.call
        WHERE workspace_id = :workspace AND line_id = l.line_id AND call_id = :call_id LIMIT 1) AS c
 WHERE l.workspace_id = :workspace
 ORDER BY l.name;

-- name: call
-- A call with its line, as its events and requests left it.
SELECT c.call_id, c.caller, c.first_seen_at, c.entered_at, c.offered_at, c.offers, c.declined_at,
       c.accepted_at, c.queued_at, c.answered_at, c.ended_at, c.returned_at,
       l.line_id, l.name AS line_name, l.title AS line_title, l.repeat_call_s,
       (SELECT n.number FROM ivr_bridge.line_number AS n
         WHERE n.workspace_id = :workspace AND n.line_id = l.line_id
         ORDER BY n.position LIMIT 1) AS line_number
  FROM ivr_bridge.call AS c
  JOIN ivr_bridge.line AS l ON l.workspace_id = c.workspace_id AND l.line_id = c.line_id
 WHERE c.workspace_id = :workspace AND c.call_ref = :call_ref;

-- name: events
-- What the IVR reported about the call, in the order of its own clock.
SELECT event, at, recorded_at, attempt, voice_wait_s, queue_position
  FROM ivr_bridge.call_event
 WHERE workspace_id = :workspace AND call_ref = :call_ref
 ORDER BY at, recorded_at LIMIT 200;

-- name: eligibilities
-- Every answer before an offer.
SELECT at, attempt, action, reason, arm, reachability, trace, asked, channel, evidence_source,
       evidence_at, took_ms, shadow_policy, shadow_reason, shadow_trace
  FROM ivr_bridge.eligibility
 WHERE workspace_id = :workspace AND call_ref = :call_ref
 ORDER BY at LIMIT 200;

-- name: deflections
-- Every attempt with its decision.
SELECT deflection_id, attempt, created_at, began_ms, confirm, grace_ms, positive, can_poll,
       reachability, channel, resumed, chat_wait_s, consent, asked, trace, outcome, reason, proof,
       decided_at, decided_by, evidence_source, evidence_at, crossed_over,
       first_message_id, message_id, answers_for
  FROM ivr_bridge.deflection
 WHERE workspace_id = :workspace AND call_ref = :call_ref
 ORDER BY attempt;

-- name: messages
-- Where these messages stand.
SELECT m.message_id, a.kind AS channel, a.name AS account, m.status, m.failed_at, m.failed_class,
       m.failed_code
  FROM unnest(:messages::uuid[]) AS asked (message_id)
 CROSS JOIN LATERAL (
       SELECT * FROM messaging.message
        WHERE workspace_id = :workspace AND message_id = asked.message_id LIMIT 1) AS m
  JOIN messaging.account AS a ON a.workspace_id = m.workspace_id AND a.account_id = m.account_id;

-- name: transitions
-- How these messages came to stand there: what was reported when, and when it reached us.
SELECT d.message_id, d.status, d.source, d.at, d.recorded_at, d.failed_class, d.failed_code
  FROM unnest(:messages::uuid[]) AS asked (message_id)
 CROSS JOIN LATERAL (
       SELECT * FROM messaging.delivery
        WHERE workspace_id = :workspace AND message_id = asked.message_id
        ORDER BY recorded_at LIMIT 100) AS d
 ORDER BY d.recorded_at;

-- name: facts
-- What turned out later about these attempts.
SELECT f.deflection_id, f.fact, f.at, f.detail
  FROM unnest(:deflections::uuid[]) AS asked (deflection_id)
 CROSS JOIN LATERAL (
       SELECT * FROM ivr_bridge.fact
        WHERE workspace_id = :workspace AND deflection_id = asked.deflection_id
        ORDER BY at LIMIT 50) AS f
 ORDER BY f.at;

-- name: rescue
-- What the stranded caller got.
SELECT deflection_id, kind, reason, at, message_id, fell_back_at, closed_at, closed_reason
  FROM ivr_bridge.rescue WHERE workspace_id = :workspace AND call_ref = :call_ref;

-- name: repeat_calls
-- When this caller called again within the line's window, on lines that the asker may know of. Their
-- latest calls are read first and by their number alone: statistics that are missing must not lead
-- through everybody's calls of a day.
SELECT c.call_id, l.name AS line, c.first_seen_at AS at
  FROM (SELECT call_ref, line_id, call_id, first_seen_at FROM ivr_bridge.call
         WHERE workspace_id = :workspace AND caller = :caller
         ORDER BY first_seen_at DESC LIMIT 500) AS c
  JOIN ivr_bridge.line AS l ON l.workspace_id = :workspace AND l.line_id = c.line_id
 WHERE c.first_seen_at > :after
   AND c.first_seen_at <= :after::timestamptz + make_interval(secs => :within_s)
   AND c.call_ref <> :call_ref AND c.line_id = ANY (:lines::uuid[])
 ORDER BY c.first_seen_at LIMIT 20;
