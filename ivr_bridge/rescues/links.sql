-- name: make_link
-- A way into the chat, for as long as it is valid. Only the digest of its token is kept.
INSERT INTO ivr_bridge.link
       (workspace_id, digest, deflection_id, account, line_id, language, expires_at)
VALUES (:workspace, :digest, :deflection, :account, :line, :language,
        clock_timestamp() + make_interval(secs => :valid_s));

-- name: follow_link -> ivr_bridge.rescues.links:Followed
-- Somebody opened it: the first time is a fact about the deflection that it came from.
WITH followed AS (
    UPDATE ivr_bridge.link
       SET opened_at = COALESCE(opened_at, clock_timestamp()), opens = LEAST(opens + 1, 1000000)
     WHERE workspace_id = :workspace AND digest = :digest AND expires_at > clock_timestamp()
    RETURNING deflection_id, account, line_id, language
), told AS (
    INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)
    SELECT :workspace, deflection_id, 'link_opened', clock_timestamp() FROM followed
        ON CONFLICT DO NOTHING
)
SELECT f.language, COALESCE(l.terms ->> 'brand', w.title) AS brand, l.terms,
       (SELECT n.number FROM ivr_bridge.line_number AS n
         WHERE n.workspace_id = :workspace AND n.line_id = f.line_id
         ORDER BY n.position LIMIT 1) AS line_number,
       a.kind AS channel, a.settings ->> 'number' AS number
  FROM followed AS f
  JOIN ivr_bridge.line AS l ON l.workspace_id = :workspace AND l.line_id = f.line_id
  JOIN core.workspace AS w ON w.workspace_id = :workspace
  LEFT JOIN messaging.account AS a ON a.workspace_id = :workspace AND a.name = f.account;

-- name: forget_links
-- Links that lead nowhere any more.
DELETE FROM ivr_bridge.link
 WHERE workspace_id = :workspace AND expires_at < clock_timestamp() - interval '30 days';
