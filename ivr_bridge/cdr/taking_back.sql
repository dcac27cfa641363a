-- name: calls_of_records
-- The calls that these records speak of, locked in one order; not another caller's under the same id.
SELECT c.call_ref
  FROM ivr_bridge.call AS c
 WHERE c.workspace_id = :workspace
   AND c.call_ref IN (
        SELECT known.call_ref
          FROM unnest(:lines::uuid[], :call_ids::text[], :callers::text[]) AS t (line_id, call_id, caller)
          JOIN ivr_bridge.call AS known
            ON known.workspace_id = :workspace AND known.line_id = t.line_id AND known.call_id = t.call_id
         WHERE t.caller IS NULL OR known.caller = t.caller)
 ORDER BY c.line_id, c.call_id
   FOR UPDATE;

-- name: unsay_events
-- Events out again, those that are there; which of them, by their index.
WITH told AS (
    SELECT t.index, c.call_ref, t.event, t.event_key
      FROM unnest(:indexes::integer[], :lines::uuid[], :call_ids::text[], :callers::text[],
                  :events::text[], :event_keys::text[])
           AS t (index, line_id, call_id, caller, event, event_key)
      JOIN ivr_bridge.call AS c
        ON c.workspace_id = :workspace AND c.line_id = t.line_id AND c.call_id = t.call_id
     WHERE t.caller IS NULL OR c.caller = t.caller
), gone AS (
    DELETE FROM ivr_bridge.call_event AS e USING told
     WHERE e.workspace_id = :workspace AND e.call_ref = told.call_ref AND e.event = told.event
       AND e.event_key = told.event_key
    RETURNING e.call_ref, e.event, e.event_key
)
SELECT told.index, call_ref FROM told JOIN gone USING (call_ref, event, event_key);

-- name: sum_up_again
-- What these calls' rows say about the events that are left, none included; a call began when the first
-- of them happened, or when it first asked.
UPDATE ivr_bridge.call AS c
   SET entered_at = s.entered_at, offered_at = s.offered_at, offers = s.offers,
       declined_at = s.declined_at, accepted_at = s.accepted_at, queued_at = s.queued_at,
       answered_at = s.answered_at, ended_at = s.ended_at, returned_at = s.returned_at,
       first_seen_at = COALESCE(LEAST(s.first_at, asked.first_at, tried.first_at), c.first_seen_at)
  FROM unnest(:call_refs::uuid[]) AS r (call_ref)
 CROSS JOIN LATERAL (
        SELECT min(at) FILTER (WHERE event = 'entered') AS entered_at,
               min(at) FILTER (WHERE event = 'offered') AS offered_at,
               count(*) FILTER (WHERE event = 'offered') AS offers,
               min(at) FILTER (WHERE event = 'declined') AS declined_at,
               min(at) FILTER (WHERE event = 'accepted') AS accepted_at,
               min(at) FILTER (WHERE event = 'queued') AS queued_at,
               max(at) FILTER (WHERE event = 'answered') AS answered_at,
               max(at) FILTER (WHERE event = 'ended') AS ended_at,
               min(at) FILTER (WHERE event = 'returned') AS returned_at,
               min(at) AS first_at
          FROM ivr_bridge.call_event
         WHERE workspace_id = :workspace AND call_ref = r.call_ref) AS s
 CROSS JOIN LATERAL (
        SELECT min(at) AS first_at FROM ivr_bridge.eligibility
         WHERE workspace_id = :workspace AND call_ref = r.call_ref) AS asked
 CROSS JOIN LATERAL (
        SELECT min(created_at) AS first_at FROM ivr_bridge.deflection
         WHERE workspace_id = :workspace AND call_ref = r.call_ref) AS tried
 WHERE c.workspace_id = :workspace AND c.call_ref = r.call_ref;

-- name: forget_ends
-- What the ends of these calls said about their deflections; `facts_of_ends` says it anew.
DELETE FROM ivr_bridge.fact AS f USING ivr_bridge.deflection AS d
 WHERE d.workspace_id = :workspace AND d.call_ref = ANY (:call_refs::uuid[])
   AND f.workspace_id = :workspace AND f.deflection_id = d.deflection_id
   AND f.fact IN ('hangup_confirmed', 'answered_after', 'caller_left');

-- name: forget_calls
-- Those of these calls of which nothing is told any more and which never asked; and the returns of
-- callers that only they showed. The callers' other calls, one of which may be the return now.
WITH gone AS (
    DELETE FROM ivr_bridge.call AS c
     WHERE c.workspace_id = :workspace AND c.call_ref = ANY (:call_refs::uuid[])
       AND NOT EXISTS (SELECT FROM ivr_bridge.call_event AS e
                        WHERE e.workspace_id = :workspace AND e.call_ref = c.call_ref)
       AND NOT EXISTS (SELECT FROM ivr_bridge.eligibility AS e
                        WHERE e.workspace_id = :workspace AND e.call_ref = c.call_ref)
       AND NOT EXISTS (SELECT FROM ivr_bridge.deflection AS d
                        WHERE d.workspace_id = :workspace AND d.call_ref = c.call_ref)
       AND NOT EXISTS (SELECT FROM ivr_bridge.voice_return AS v
                        WHERE v.workspace_id = :workspace AND v.call_ref = c.call_ref)
    RETURNING c.call_ref, c.caller, c.first_seen_at
), returned AS (
    DELETE FROM ivr_bridge.fact AS f
     USING gone, ivr_bridge.call AS earlier, ivr_bridge.deflection AS d
     WHERE earlier.workspace_id = :workspace AND earlier.caller = gone.caller
       AND d.workspace_id = :workspace AND d.call_ref = earlier.call_ref
       AND f.workspace_id = :workspace AND f.deflection_id = d.deflection_id
       AND f.fact = 'repeat_call' AND f.at = gone.first_seen_at
    RETURNING earlier.caller, f.at
)
SELECT DISTINCT c.call_ref
  FROM returned
  JOIN ivr_bridge.call AS c
    ON c.workspace_id = :workspace AND c.caller = returned.caller AND c.first_seen_at > returned.at
 WHERE NOT EXISTS (SELECT FROM gone WHERE gone.call_ref = c.call_ref);
