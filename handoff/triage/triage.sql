-- name: put_version
-- A version is written once; publishing it again changes nothing about it.
INSERT INTO handoff.flow_version (workspace_id, flow, version, content, published_at, published_by)
VALUES (:workspace, :flow, :version, :content, :at, :by)
    ON CONFLICT DO NOTHING;

-- name: choose_version
-- New conversations begin on this version; the first flow of a workspace is its default one.
INSERT INTO handoff.flow (workspace_id, flow, version, is_default)
VALUES (:workspace, :flow, :version,
        NOT EXISTS (SELECT FROM handoff.flow WHERE workspace_id = :workspace AND is_default))
    ON CONFLICT (workspace_id, flow) DO UPDATE SET version = excluded.version
 WHERE handoff.flow.version <> excluded.version;

-- name: forget_default
-- Another flow is about to greet those who were not invited.
UPDATE handoff.flow SET is_default = false
 WHERE workspace_id = :workspace AND is_default AND flow <> :flow;

-- name: set_default
-- This flow greets those who were not invited.
UPDATE handoff.flow SET is_default = true
 WHERE workspace_id = :workspace AND flow = :flow AND NOT is_default;

-- name: recall
-- A version that does harm: its conversations go to people at their next turn.
UPDATE handoff.flow_version SET recalled_at = :at
 WHERE workspace_id = :workspace AND flow = :flow AND version = :version AND recalled_at IS NULL;

-- name: unrecall
-- A recalled version that is published anew serves again.
UPDATE handoff.flow_version SET recalled_at = NULL
 WHERE workspace_id = :workspace AND flow = :flow AND version = :version AND recalled_at IS NOT NULL;

-- name: default_flow
-- Which flow greets those who were not invited.
SELECT flow FROM handoff.flow WHERE workspace_id = :workspace AND is_default;

-- name: recalled
-- Is this version still allowed to speak? NULL when there is no such version.
SELECT recalled_at IS NOT NULL FROM handoff.flow_version
 WHERE workspace_id = :workspace AND flow = :flow AND version = :version;

-- name: content
-- A published version as it was frozen.
SELECT content FROM handoff.flow_version
 WHERE workspace_id = :workspace AND flow = :flow AND version = :version;
