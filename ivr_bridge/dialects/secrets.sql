-- name: secrets -> ivr_bridge.dialects.secrets:Sealed
-- Every secret by which a line's platform signs.
SELECT line_id, signer, position, sealed FROM ivr_bridge.line_secret
 WHERE workspace_id = :workspace
 ORDER BY line_id, signer, position;

-- name: put_secret
-- A secret in its place, whether or not one stood there.
INSERT INTO ivr_bridge.line_secret (workspace_id, line_id, signer, position, sealed)
VALUES (:workspace, :line, :signer, :position, :sealed)
    ON CONFLICT (workspace_id, line_id, signer, position)
    DO UPDATE SET sealed = excluded.sealed, changed_at = now();

-- name: drop_secrets
-- The secrets of one signer from this place on are gone.
DELETE FROM ivr_bridge.line_secret
 WHERE workspace_id = :workspace AND line_id = :line AND signer = :signer AND position > :kept;
