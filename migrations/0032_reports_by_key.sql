-- The view of 0031 with one condition written otherwise: under row-level security PostgreSQL takes
-- COALESCE for something that could leak rows, so it read every message of the workspace to find the
-- one of an attempt. CASE it trusts, and goes through the key.
CREATE OR REPLACE VIEW ivr_bridge.attempt_fate WITH (security_invoker = true) AS
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
    ON m.workspace_id = d.workspace_id
   AND m.message_id = CASE WHEN d.message_id IS NULL THEN d.answers_for ELSE d.message_id END
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
