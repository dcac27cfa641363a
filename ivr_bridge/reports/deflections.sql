-- name: deflections
-- One row an attempt, so that every number can be traced to what it counts.
SELECT d.deflection_id, d.created_at AS at, l.title AS line, c.call_id, d.outcome, d.reason, d.channel,
       CASE WHEN m.failed_at IS NOT NULL AND m.status NOT IN ('delivered', 'read') THEN 'failed'
            ELSE m.status END AS delivery,
       (SELECT min(i.at) FROM messaging.thread AS t
          JOIN messaging.message AS i ON i.workspace_id = t.workspace_id AND i.thread_id = t.thread_id
         WHERE t.workspace_id = :workspace AND t.contact_id = d.contact_id AND i.direction = 'in'
           AND i.at >= date_trunc('second', d.created_at)
           AND i.at <= d.decided_at + interval '24 hours') AS first_message_at,
       CASE WHEN d.outcome = 'hangup'
            THEN c.ended_at IS NOT NULL AND NOT COALESCE(c.answered_at > d.decided_at, false)
            END AS hangup_confirmed,
       EXISTS (SELECT FROM ivr_bridge.fact AS f WHERE f.workspace_id = :workspace
                  AND f.deflection_id = d.deflection_id AND f.fact = 'late') AS late,
       EXISTS (SELECT FROM ivr_bridge.fact AS f WHERE f.workspace_id = :workspace
                  AND f.deflection_id = d.deflection_id AND f.fact = 'rescued') AS rescued
  FROM ivr_bridge.deflection AS d
  JOIN ivr_bridge.call AS c ON c.workspace_id = d.workspace_id AND c.call_ref = d.call_ref
  JOIN ivr_bridge.line AS l ON l.workspace_id = d.workspace_id AND l.line_id = d.line_id
  LEFT JOIN messaging.message AS m
    ON m.workspace_id = d.workspace_id AND m.message_id = COALESCE(d.message_id, d.answers_for)
 WHERE d.workspace_id = :workspace AND c.first_seen_at >= :from_at AND c.first_seen_at < :to_at
   AND (:line::uuid IS NULL OR d.line_id = :line)
 ORDER BY d.created_at, d.deflection_id
 LIMIT 100000;
