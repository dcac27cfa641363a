-- name: accounts
-- Channel accounts that a line may speak through, and what each is.
SELECT name, kind FROM messaging.account WHERE workspace_id = :workspace ORDER BY name;

-- name: flows
-- Flows that a line may begin with.
SELECT flow FROM handoff.flow WHERE workspace_id = :workspace ORDER BY flow;

-- name: queues
-- Queues that a line's chats may wait in.
SELECT name FROM handoff.queue WHERE workspace_id = :workspace ORDER BY name;

-- name: templates
-- Templates that a line may open with, as their providers last spoke of them.
SELECT a.name AS account, t.name, t.language, t.body, cardinality(t.parameters) AS parameters,
       t.buttons, t.ttl_s, t.state
  FROM messaging.template AS t
  JOIN messaging.account AS a ON a.workspace_id = t.workspace_id AND a.account_id = t.account_id
 WHERE t.workspace_id = :workspace
 ORDER BY a.name, t.name, t.language;

-- name: hold
-- A line, ours until the end of the transaction.
SELECT line_id FROM ivr_bridge.line WHERE workspace_id = :workspace AND name = :name FOR UPDATE;
