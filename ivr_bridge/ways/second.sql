-- name: owed -> ivr_bridge.ways.second:Owed
-- An undecided attempt whose opening failed, and what may follow it. Held, so that it follows once.
SELECT d.fallback, d.channel, a.value AS phone, l.flow, l.queue, l.title,
       extract(epoch FROM d.pending_until - clock_timestamp())::float8 * 1000 AS left_ms,
       (SELECT v.card FROM handoff.conversation AS v
         WHERE v.workspace_id = d.workspace_id AND v.conversation_id = d.conversation_id) AS card
  FROM ivr_bridge.deflection AS d
  JOIN ivr_bridge.line AS l ON l.workspace_id = d.workspace_id AND l.line_id = d.line_id
  JOIN messaging.message AS m ON m.workspace_id = d.workspace_id AND m.message_id = d.message_id
  JOIN messaging.address AS a ON a.workspace_id = d.workspace_id AND a.address_id = m.address_id
 WHERE d.workspace_id = :workspace AND d.deflection_id = :deflection AND d.message_id = :message
   AND d.decided_at IS NULL AND d.first_message_id IS NULL AND d.fallback IS NOT NULL
   FOR NO KEY UPDATE OF d;

-- name: follow
-- The attempt rests on its second opening from now on; the first one stays beside it.
UPDATE ivr_bridge.deflection
   SET first_message_id = message_id, first_channel = channel, message_id = :second,
       channel = :channel, account_id = :account, confirm = :confirm, positive = :positive,
       reachability = :reachability, conversation_id = :conversation, resumed = false,
       ttl_s = NULL, fallback = NULL
 WHERE workspace_id = :workspace AND deflection_id = :deflection AND decided_at IS NULL
   AND first_message_id IS NULL;

-- name: keep_in_mind
-- What may follow an attempt's opening on another channel.
UPDATE ivr_bridge.deflection SET fallback = :fallback
 WHERE workspace_id = :workspace AND deflection_id = :deflection;
