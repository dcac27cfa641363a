-- How a line's platform signs what it sends. Two secrets of one signer live side by side while one takes
-- the other's place; sealed under SECRET_KEY, never among the line's terms.

CREATE TABLE ivr_bridge.line_secret (
    workspace_id integer NOT NULL,
    line_id uuid NOT NULL,
    signer text NOT NULL CHECK (signer IN ('twilio', 'jambonz')),
    position integer NOT NULL CHECK (position IN (1, 2)),
    sealed bytea NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, line_id, signer, position),
    FOREIGN KEY (workspace_id, line_id) REFERENCES ivr_bridge.line ON DELETE CASCADE
);
CALL core.close_to_other_workspaces('ivr_bridge.line_secret');
