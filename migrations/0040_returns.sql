-- Callers whom chat kept waiting too long go back to the telephone, with the place they had there.

CREATE TABLE ivr_bridge.voice_return (
    workspace_id integer NOT NULL,
    return_id uuid NOT NULL,
    deflection_id uuid NOT NULL,
    call_ref uuid NOT NULL,
    line_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    -- The chat that ended, and the call back that stands until somebody has called.
    chat_id uuid NOT NULL,
    callback_id uuid NOT NULL,
    asked_by text NOT NULL CHECK (asked_by IN ('promise', 'customer', 'operator', 'flow', 'ivr')),
    -- The kept place.
    queued_at timestamptz NOT NULL,
    voice_wait_s integer CHECK (voice_wait_s >= 0),
    queue_position integer CHECK (queue_position >= 0),
    state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'told', 'called', 'called_off')),
    requested_at timestamptz NOT NULL,
    -- When the dialler took the news.
    told_at timestamptz,
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    next_try_at timestamptz,
    settled_at timestamptz,
    settled_reason text,
    PRIMARY KEY (workspace_id, return_id),
    FOREIGN KEY (workspace_id, deflection_id) REFERENCES ivr_bridge.deflection,
    CHECK ((settled_at IS NOT NULL) = (state IN ('called', 'called_off'))),
    CHECK ((settled_reason IS NOT NULL) = (settled_at IS NOT NULL)),
    CHECK (state <> 'told' OR told_at IS NOT NULL)
);
-- One open return a chat, and one call back for it.
CREATE UNIQUE INDEX voice_return_open_chat ON ivr_bridge.voice_return (workspace_id, chat_id)
    WHERE settled_at IS NULL;
CREATE UNIQUE INDEX voice_return_open_callback ON ivr_bridge.voice_return (workspace_id, callback_id)
    WHERE settled_at IS NULL;
CREATE INDEX voice_return_open_contact ON ivr_bridge.voice_return (workspace_id, contact_id)
    WHERE settled_at IS NULL;
CREATE INDEX voice_return_of_call ON ivr_bridge.voice_return (workspace_id, call_ref);
CREATE INDEX voice_return_by_time ON ivr_bridge.voice_return (workspace_id, requested_at);

CALL core.close_to_other_workspaces('ivr_bridge.voice_return');
