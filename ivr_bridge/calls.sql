-- name: make_call
-- Calls that ask, those that this request is the first to name. Taken in one order, so that two
-- batches cannot wait for each other.
INSERT INTO ivr_bridge.call (workspace_id, call_ref, line_id, call_id, caller)
SELECT :workspace, a.call_ref, a.line_id, a.call_id, a.caller
  FROM unnest(:call_refs::uuid[], :lines::uuid[], :call_ids::text[], :callers::text[])
       AS a (call_ref, line_id, call_id, caller)
 ORDER BY a.line_id, a.call_id
    ON CONFLICT (workspace_id, line_id, call_id) DO NOTHING
RETURNING call_ref;

-- name: take_up_calls
-- Calls that ask, made or found: those that an earlier question or event named, as long as they have no
-- attempt and no other caller. Taken in one order, so that two batches cannot wait for each other.
INSERT INTO ivr_bridge.call AS c (workspace_id, call_ref, line_id, call_id, caller)
SELECT :workspace, a.call_ref, a.line_id, a.call_id, a.caller
  FROM unnest(:call_refs::uuid[], :lines::uuid[], :call_ids::text[], :callers::text[])
       AS a (call_ref, line_id, call_id, caller)
 ORDER BY a.line_id, a.call_id
    ON CONFLICT (workspace_id, line_id, call_id) DO UPDATE SET caller = COALESCE(c.caller, excluded.caller)
 WHERE (c.caller IS NULL OR excluded.caller IS NULL OR c.caller = excluded.caller)
   AND (SELECT true FROM ivr_bridge.deflection AS d
         WHERE d.workspace_id = :workspace AND d.call_ref = c.call_ref LIMIT 1) IS NULL
RETURNING call_ref;

-- name: know_callers -> ivr_bridge.calls:Known
-- What is known about calls and their callers, as far as calls and conversations are concerned; a row
-- for every place. Nothing is written.
SELECT a.place, known.call_ref AS known, known.caller AS known_caller,
       -- No EXISTS: the planner may answer that with a table of all there are.
       (SELECT true FROM ivr_bridge.deflection
         WHERE workspace_id = :workspace AND call_ref = known.call_ref LIMIT 1) IS NOT NULL AS attempted,
       known.declined_at IS NOT NULL AS declined_now, known.offered_at IS NOT NULL AS offered_now,
       EXISTS (SELECT FROM ivr_bridge.call
                WHERE workspace_id = :workspace AND caller = a.caller AND declined_at IS NOT NULL
                  AND first_seen_at > clock_timestamp() - make_interval(secs => a.declined_s)) AS declined_before,
       (SELECT d.deflection_id
          FROM ivr_bridge.call AS c
          JOIN ivr_bridge.deflection AS d ON d.workspace_id = :workspace AND d.call_ref = c.call_ref
         WHERE c.workspace_id = :workspace AND c.caller = a.caller AND d.outcome = 'hangup'
           AND c.first_seen_at > clock_timestamp() - make_interval(secs => a.repeat_call_s)
           AND NOT (c.line_id = a.line_id AND c.call_id = a.call_id)
         ORDER BY c.first_seen_at DESC LIMIT 1) AS hung_up_before,
       (SELECT count(*) FROM (
            SELECT FROM ivr_bridge.call
             WHERE workspace_id = :workspace AND caller = a.caller
               AND NOT (line_id = a.line_id AND call_id = a.call_id) LIMIT 99) AS before) AS earlier_calls,
       (SELECT true FROM handoff.conversation
         WHERE workspace_id = :workspace AND contact_id = person.contact_id AND kind = 'chat'
           AND account_id = a.account_id AND state NOT IN ('invited', 'closed', 'abandoned')
         LIMIT 1) IS NOT NULL AS conversation_open,
       (SELECT contact_id FROM ivr_bridge.rescue
         WHERE workspace_id = :workspace AND contact_id = person.contact_id AND closed_at IS NULL
         LIMIT 1) AS rescued_contact,
       EXISTS (SELECT FROM unnest(string_to_array(a.patterns, ' ')) AS p (pattern) CROSS JOIN LATERAL (
                    SELECT FROM ivr_bridge.do_not_contact
                     WHERE workspace_id = :workspace AND pattern = p.pattern LIMIT 1) AS listed) AS unwanted,
       ARRAY(SELECT extract(epoch FROM clock_timestamp() - d.created_at)::float8
               FROM ivr_bridge.deflection AS d
              WHERE d.workspace_id = :workspace AND d.contact_id = person.contact_id
                AND d.message_id IS NOT NULL AND NOT d.resumed
                AND d.created_at > clock_timestamp() - make_interval(secs => a.openings_within_s)
              ORDER BY d.created_at DESC LIMIT a.openings_kept) AS openings_ago_s,
       (SELECT true FROM ivr_bridge.eligibility AS e
         WHERE e.workspace_id = :workspace AND e.call_ref = known.call_ref AND e.arm = 'hold_out'
         LIMIT 1) IS NOT NULL AS held_out
  FROM unnest(:lines::uuid[], :call_ids::text[], :callers::text[], :targets::text[], :accounts::uuid[],
              :repeat_calls_s::float8[], :declined_s::float8[], :patterns::text[],
              :openings_within_s::float8[], :openings_kept::integer[]) WITH ORDINALITY
       AS a (line_id, call_id, caller, target, account_id, repeat_call_s, declined_s, patterns,
             openings_within_s, openings_kept, place)
  LEFT JOIN LATERAL (
        SELECT call_ref, caller, declined_at, offered_at FROM ivr_bridge.call
         WHERE workspace_id = :workspace AND line_id = a.line_id AND call_id = a.call_id
         LIMIT 1) AS known ON true
  LEFT JOIN LATERAL (
        SELECT contact_id FROM messaging.address
         WHERE workspace_id = :workspace AND kind = 'phone' AND scope = '' AND value = a.target
         LIMIT 1) AS person ON true;

-- name: note_return
-- A caller who had been told to hang up is back.
INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)
VALUES (:workspace, :deflection, 'repeat_call', clock_timestamp())
    ON CONFLICT DO NOTHING;

-- name: hold_call
-- The call, ours until the end of the transaction: its attempts are taken one after the other. A
-- caller that was not known yet is learnt.
UPDATE ivr_bridge.call SET caller = COALESCE(caller, :caller)
 WHERE workspace_id = :workspace AND line_id = :line AND call_id = :call_id
RETURNING call_ref, caller;

-- name: note_eligibility
-- Answers before the offer, each with the rules behind it. One without an id is left out: another part
-- of the statement decided so.
INSERT INTO ivr_bridge.eligibility
       (workspace_id, eligibility_id, call_ref, attempt, action, reason, arm, reachability, trace,
        asked, channel, evidence_source, evidence_at, took_ms, seen, shadow_policy, shadow_reason, shadow_trace)
SELECT :workspace, a.eligibility_id, a.call_ref, a.attempt, a.action, a.reason, a.arm, a.reachability,
       a.trace::jsonb, a.asked::jsonb, a.channel, a.evidence_source, a.evidence_at, a.took_ms,
       a.seen::jsonb, a.shadow_policy, a.shadow_reason, a.shadow_trace::jsonb
  FROM unnest(:eligibilities::uuid[], :call_refs::uuid[], :attempts::integer[], :actions::text[],
              :reasons::text[], :arms::text[], :reachabilities::text[], :traces::text[],
              :asked::text[], :channels::text[], :evidence_sources::text[],
              :evidence_ats::timestamptz[], :took_ms::integer[], :seen::text[],
              :shadow_policies::text[], :shadow_reasons::text[], :shadow_traces::text[])
       AS a (eligibility_id, call_ref, attempt, action, reason, arm, reachability, trace, asked,
             channel, evidence_source, evidence_at, took_ms, seen, shadow_policy, shadow_reason,
             shadow_trace)
 WHERE a.eligibility_id IS NOT NULL;

-- name: remember_offers -> ivr_bridge.calls:Offers
-- What this caller was offered: within this call, as reported or else as answered, and in earlier calls
-- in which nothing came of it. An answer that follows another one at once repeats its offer; the offer
-- is as old as the first of them, so that a hasty IVR does not repeat one for ever.
WITH known AS (
    SELECT call_ref, offers FROM ivr_bridge.call
     WHERE workspace_id = :workspace AND line_id = :line AND call_id = :call_id
), made AS (
    SELECT count(*) AS answered, max(answer.at) AS latest
      FROM (SELECT e.at, e.at - lag(e.at) OVER (ORDER BY e.at)
                       < make_interval(secs => :same_offer_s) AS repeats
              FROM known CROSS JOIN LATERAL (
                   SELECT at FROM ivr_bridge.eligibility
                    WHERE workspace_id = :workspace AND call_ref = known.call_ref AND action = 'offer'
                    ORDER BY at DESC LIMIT 100) AS e) AS answer
     WHERE answer.repeats IS NOT TRUE
), passed AS (
    SELECT c.call_ref, c.offers FROM ivr_bridge.call AS c
     WHERE c.workspace_id = :workspace AND c.caller = :caller AND c.accepted_at IS NULL
       AND c.first_seen_at > clock_timestamp() - make_interval(secs => :ignored_within_s)
       AND NOT (c.line_id = :line AND c.call_id = :call_id)
       AND NOT EXISTS (SELECT FROM ivr_bridge.deflection AS d
                        WHERE d.workspace_id = :workspace AND d.call_ref = c.call_ref)
       AND (c.offers > 0 OR EXISTS (SELECT FROM ivr_bridge.eligibility AS e
                                     WHERE e.workspace_id = :workspace AND e.call_ref = c.call_ref
                                       AND e.action = 'offer'))
     ORDER BY c.first_seen_at DESC LIMIT :ignored_kept
)
SELECT extract(epoch FROM clock_timestamp() - made.latest)::float8 AS offered_ago_s,
       CASE WHEN known.offers > 0 THEN known.offers ELSE made.answered::integer END AS offers,
       (SELECT count(*)::integer FROM passed) AS ignored
  FROM made LEFT JOIN known ON true;

-- name: take_calls -> ivr_bridge.calls:Taken
-- The calls that these events speak of, made when they are new. Taken in one order, so that two
-- batches cannot wait for each other.
INSERT INTO ivr_bridge.call AS c (workspace_id, call_ref, line_id, call_id, caller, first_seen_at)
SELECT :workspace, e.call_ref, e.line_id, e.call_id, e.caller, e.at
  FROM unnest(:call_refs::uuid[], :lines::uuid[], :call_ids::text[], :callers::text[], :ats::timestamptz[])
       AS e (call_ref, line_id, call_id, caller, at)
 ORDER BY e.line_id, e.call_id
    ON CONFLICT (workspace_id, line_id, call_id) DO UPDATE
   SET caller = COALESCE(c.caller, excluded.caller),
       first_seen_at = LEAST(c.first_seen_at, excluded.first_seen_at)
RETURNING c.call_ref, c.line_id, c.call_id, c.caller;

-- name: take_events
-- The events themselves, each once.
INSERT INTO ivr_bridge.call_event
       (workspace_id, call_ref, event, event_key, at, attempt, voice_wait_s, queue_position)
SELECT :workspace, e.call_ref, e.event, e.event_key, e.at, e.attempt, e.voice_wait_s, e.queue_position
  FROM unnest(:call_refs::uuid[], :events::text[], :event_keys::text[], :ats::timestamptz[],
              :attempts::integer[], :voice_waits::integer[], :queue_positions::integer[])
       AS e (call_ref, event, event_key, at, attempt, voice_wait_s, queue_position)
    ON CONFLICT DO NOTHING
RETURNING call_ref, event, event_key;

-- name: sum_up_calls
-- What the calls' rows say about their events, computed anew from all of them: order cannot matter.
UPDATE ivr_bridge.call AS c
   SET entered_at = s.entered_at, offered_at = s.offered_at, offers = s.offers,
       declined_at = s.declined_at, accepted_at = s.accepted_at, queued_at = s.queued_at,
       answered_at = s.answered_at, ended_at = s.ended_at, returned_at = s.returned_at
  FROM (SELECT call_ref,
               min(at) FILTER (WHERE event = 'entered') AS entered_at,
               min(at) FILTER (WHERE event = 'offered') AS offered_at,
               count(*) FILTER (WHERE event = 'offered') AS offers,
               min(at) FILTER (WHERE event = 'declined') AS declined_at,
               min(at) FILTER (WHERE event = 'accepted') AS accepted_at,
               min(at) FILTER (WHERE event = 'queued') AS queued_at,
               max(at) FILTER (WHERE event = 'answered') AS answered_at,
               max(at) FILTER (WHERE event = 'ended') AS ended_at,
               min(at) FILTER (WHERE event = 'returned') AS returned_at
          FROM ivr_bridge.call_event
         WHERE workspace_id = :workspace AND call_ref = ANY (:call_refs::uuid[])
         GROUP BY call_ref) AS s
 WHERE c.workspace_id = :workspace AND c.call_ref = s.call_ref;

-- name: facts_of_ends
-- What the end of a call says about its deflections: the hang-up was executed, or a person answered
-- after it, or the caller had left before it was decided.
WITH seen AS (
    SELECT d.deflection_id, d.outcome, d.decided_at, c.ended_at, c.answered_at
      FROM ivr_bridge.deflection AS d
      JOIN ivr_bridge.call AS c ON c.workspace_id = d.workspace_id AND c.call_ref = d.call_ref
     WHERE d.workspace_id = :workspace AND d.call_ref = ANY (:call_refs::uuid[])
), told AS (
    SELECT deflection_id, 'hangup_confirmed' AS fact, ended_at AS at FROM seen
     WHERE outcome = 'hangup' AND ended_at IS NOT NULL
       AND (answered_at IS NULL OR answered_at <= decided_at)
    UNION ALL
    SELECT deflection_id, 'answered_after', answered_at FROM seen
     WHERE outcome = 'hangup' AND answered_at > decided_at
    UNION ALL
    -- Many PBXs tell whole seconds: one that ended within the second of the decision did not end before.
    -- And some clocks are minutes behind: whoever spoke to a person before the end did not leave.
    SELECT deflection_id, 'caller_left', ended_at FROM seen
     WHERE ended_at IS NOT NULL
       AND (answered_at IS NULL OR answered_at > ended_at)
       AND (outcome = 'pending'
            OR ended_at < CASE WHEN ended_at = date_trunc('second', ended_at)
                               THEN date_trunc('second', decided_at) ELSE decided_at END)
)
INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)
SELECT :workspace, deflection_id, fact, at FROM told
    ON CONFLICT DO NOTHING
RETURNING deflection_id, fact, at;

-- name: answered_after_all
-- Attempts after which these calls' callers were taken to be gone, and had a person on the line.
SELECT d.deflection_id
  FROM ivr_bridge.deflection AS d
  JOIN ivr_bridge.call AS c ON c.workspace_id = d.workspace_id AND c.call_ref = d.call_ref
 WHERE d.workspace_id = :workspace AND d.call_ref = ANY (:call_refs::uuid[])
   AND (d.outcome = 'hangup' AND c.answered_at > d.decided_at
        OR c.answered_at <= c.ended_at
       AND EXISTS (SELECT FROM ivr_bridge.fact AS f
                    WHERE f.workspace_id = d.workspace_id AND f.deflection_id = d.deflection_id
                      AND f.fact = 'caller_left'));

-- name: callers_back
-- Deflected callers of these calls who had been told to hang up earlier: they are back. The calls with
-- which they are.
WITH back AS (
    SELECT DISTINCT ON (c.call_ref) c.call_ref, d.deflection_id, c.first_seen_at AS at
      FROM ivr_bridge.call AS c
      JOIN ivr_bridge.line AS l ON l.workspace_id = c.workspace_id AND l.line_id = c.line_id
      JOIN ivr_bridge.call AS earlier
        ON earlier.workspace_id = c.workspace_id AND earlier.caller = c.caller
       AND earlier.call_ref <> c.call_ref AND earlier.first_seen_at < c.first_seen_at
       AND earlier.first_seen_at > c.first_seen_at - make_interval(secs => l.repeat_call_s)
      JOIN ivr_bridge.deflection AS d
        ON d.workspace_id = earlier.workspace_id AND d.call_ref = earlier.call_ref AND d.outcome = 'hangup'
     WHERE c.workspace_id = :workspace AND c.call_ref = ANY (:call_refs::uuid[])
     ORDER BY c.call_ref, earlier.first_seen_at DESC
), noted AS (
    INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)
    SELECT DISTINCT ON (deflection_id) :workspace::integer, deflection_id, 'repeat_call', at
      FROM back ORDER BY deflection_id, at
        ON CONFLICT DO NOTHING
)
SELECT call_ref, at FROM back;

-- name: rescues_of_callers
-- Contacts with an open rescue among the callers of these calls: whoever calls again needs none.
SELECT DISTINCT r.contact_id
  FROM ivr_bridge.rescue AS r
  JOIN ivr_bridge.call AS c
    ON c.workspace_id = r.workspace_id AND c.caller = r.caller AND c.first_seen_at > r.at
 WHERE r.workspace_id = :workspace AND r.closed_at IS NULL AND c.call_ref = ANY (:call_refs::uuid[]);
