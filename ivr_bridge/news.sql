-- name: story -> ivr_bridge.news:Story
-- What may be told outside about one attempt: ids and plain values. CASE for the reason given in
-- deflections.sql.
SELECT d.deflection_id, d.attempt, d.outcome, d.reason, d.channel, d.contact_id, d.conversation_id,
       d.created_at, c.call_id, c.caller, m.failed_class, l.name AS line_name, l.title AS line_title,
       (SELECT n.number FROM ivr_bridge.line_number AS n
         WHERE n.workspace_id = d.workspace_id AND n.line_id = d.line_id
         ORDER BY n.position LIMIT 1) AS line_number
  FROM ivr_bridge.deflection AS d
  JOIN ivr_bridge.call AS c ON c.workspace_id = d.workspace_id AND c.call_ref = d.call_ref
  JOIN ivr_bridge.line AS l ON l.workspace_id = d.workspace_id AND l.line_id = d.line_id
  LEFT JOIN messaging.message AS m
    ON m.workspace_id = d.workspace_id
   AND m.message_id = CASE WHEN d.message_id IS NULL THEN d.answers_for ELSE d.message_id END
 WHERE d.workspace_id = :workspace AND d.deflection_id = :deflection;
