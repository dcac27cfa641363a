-- What became of attempts and of calls: the definitions that every report shares, computed from rows
-- at the moment of asking, so that late events correct earlier days.

-- One row an attempt to move a call. `fate` of a hang-up: `answered` when a person took the call after
-- it was decided, `unconfirmed` until the IVR reports the end of the call, then `deflected` when the
-- same customer wrote within 24 hours and did not say "not me", else `silent`.
CREATE VIEW ivr_bridge.attempt_fate WITH (security_invoker = true) AS
SELECT d.workspace_id, d.call_ref, d.deflection_id, d.attempt, d.created_at, d.outcome, d.reason,
       d.channel, m.status, m.failed_class, f.late, f.not_me, f.rescued,
       w.message_id AS first_message_id, w.at AS first_message_at,
       CASE WHEN d.outcome <> 'hangup' THEN d.outcome
            WHEN c.answered_at > d.decided_at THEN 'answered'
            WHEN c.ended_at IS NULL THEN 'unconfirmed'
            WHEN w.at <= d.created_at + interval '24 hours' AND NOT f.not_me THEN 'deflected'
            ELSE 'silent' END AS fate,
       COALESCE(w.at <= d.created_at + interval '30 minutes', false) AS soon
  FROM ivr_bridge.deflection AS d
  JOIN ivr_bridge.call AS c ON c.workspace_id = d.workspace_id AND c.call_ref = d.call_ref
  LEFT JOIN messaging.message AS m
    ON m.workspace_id = d.workspace_id AND m.message_id = COALESCE(d.message_id, d.answers_for)
  CROSS JOIN LATERAL (
        -- "Not me" is said to the opening, whichever attempt of the call put it on the wire.
        SELECT COALESCE(bool_or(x.fact = 'not_me'), false) AS not_me,
               COALESCE(bool_or(x.fact = 'late' AND x.deflection_id = d.deflection_id), false) AS late,
               COALESCE(bool_or(x.fact = 'rescued' AND x.deflection_id = d.deflection_id), false) AS rescued
          FROM ivr_bridge.deflection AS o
          JOIN ivr_bridge.fact AS x
            ON x.workspace_id = o.workspace_id AND x.deflection_id = o.deflection_id
         WHERE o.workspace_id = d.workspace_id AND o.call_ref = d.call_ref) AS f
  LEFT JOIN LATERAL (
        -- WhatsApp tells the time of a message in whole seconds, so the second of the attempt counts.
        -- Ids carry the time of their making: the bound, an hour wide for clocks that differ, keeps
        -- the search within the thread's later messages.
        SELECT i.message_id, i.at
          FROM messaging.thread AS t
          JOIN messaging.message AS i ON i.workspace_id = t.workspace_id AND i.thread_id = t.thread_id
         WHERE t.workspace_id = d.workspace_id AND t.contact_id = d.contact_id
           AND i.direction = 'in' AND i.at >= date_trunc('second', d.created_at)
           AND i.message_id >= (lpad(to_hex(floor(extract(epoch FROM d.created_at - interval '1 hour')
                                                  * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
         ORDER BY i.at, i.message_id LIMIT 1) AS w
    ON COALESCE(d.message_id, d.answers_for) IS NOT NULL;

-- One row a call. `eligible`: an answer said `offer`; or nobody asked, and an offer was reported or
-- tried all the same. `deflection_id` is the attempt that the call is counted by: the one that got
-- furthest, of equals the last.
CREATE VIEW ivr_bridge.call_fate WITH (security_invoker = true) AS
SELECT c.workspace_id, c.call_ref, c.line_id, c.call_id, c.caller, c.first_seen_at,
       COALESCE(e.offered, h.heard OR a.deflection_id IS NOT NULL) AS eligible,
       e.reason AS eligibility_reason,
       h.heard OR a.deflection_id IS NOT NULL AS offered,
       c.declined_at IS NOT NULL AS declined,
       c.accepted_at IS NOT NULL OR a.deflection_id IS NOT NULL AS accepted,
       a.deflection_id, a.outcome, a.reason, a.status, a.failed_class, a.late, a.not_me,
       a.first_message_id, a.fate, a.soon
  FROM ivr_bridge.call AS c
 CROSS JOIN LATERAL (
        SELECT c.offered_at IS NOT NULL OR c.declined_at IS NOT NULL OR c.accepted_at IS NOT NULL AS heard) AS h
 CROSS JOIN LATERAL (
        SELECT bool_or(x.action = 'offer') AS offered,
               (array_agg(x.reason ORDER BY x.at DESC, x.eligibility_id DESC))[1] AS reason
          FROM ivr_bridge.eligibility AS x
         WHERE x.workspace_id = c.workspace_id AND x.call_ref = c.call_ref) AS e
  LEFT JOIN LATERAL (
        SELECT x.* FROM ivr_bridge.attempt_fate AS x
         WHERE x.workspace_id = c.workspace_id AND x.call_ref = c.call_ref
         ORDER BY CASE x.fate WHEN 'deflected' THEN CASE WHEN x.soon THEN 0 ELSE 1 END
                              WHEN 'silent' THEN 2 WHEN 'unconfirmed' THEN 3 WHEN 'answered' THEN 4
                              WHEN 'pending' THEN 5 ELSE 6 END, x.attempt DESC
         LIMIT 1) AS a ON true;

GRANT SELECT ON ivr_bridge.attempt_fate, ivr_bridge.call_fate TO ivr_bridge_service;
