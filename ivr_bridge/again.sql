-- name: return -> ivr_bridge.again:CalledAgain
-- A call by somebody who had been moved to chat earlier: the latest attempt that ended a call of
-- theirs within the line's time, and how often they have called since then.
SELECT c.call_id, c.first_seen_at AS at, l.repeat_call_s AS within_s, before.deflection_id,
       before.conversation_id, before.contact_id, before.decided_at,
       (SELECT count(*)::integer FROM ivr_bridge.call AS each
         WHERE each.workspace_id = :workspace AND each.caller = c.caller
           AND each.first_seen_at > c.first_seen_at - make_interval(secs => l.repeat_call_s)
           AND each.first_seen_at <= c.first_seen_at) AS calls
  FROM ivr_bridge.call AS c
  JOIN ivr_bridge.line AS l ON l.workspace_id = c.workspace_id AND l.line_id = c.line_id
 CROSS JOIN LATERAL (
        SELECT d.deflection_id, d.conversation_id, d.contact_id, d.decided_at
          FROM ivr_bridge.call AS earlier
          JOIN ivr_bridge.deflection AS d
            ON d.workspace_id = earlier.workspace_id AND d.call_ref = earlier.call_ref
         WHERE earlier.workspace_id = :workspace AND earlier.caller = c.caller
           AND earlier.call_ref <> c.call_ref AND earlier.first_seen_at < c.first_seen_at
           AND earlier.first_seen_at > c.first_seen_at - make_interval(secs => l.repeat_call_s)
           AND d.outcome = 'hangup'
         ORDER BY earlier.first_seen_at DESC, d.attempt DESC LIMIT 1) AS before
 WHERE c.workspace_id = :workspace AND c.call_ref = :call_ref;
