-- Signed webhooks to a company's own systems: where they go, and each of them until it arrived.

CREATE TABLE core.webhook_endpoint (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    endpoint_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    url text NOT NULL,
    events text[] NOT NULL,
    -- May its name lead to a private address?
    private boolean NOT NULL DEFAULT false,
    -- Does it hear the caller's number?
    include_caller boolean NOT NULL DEFAULT false,
    -- The signing secret, and the one before it while they are being changed.
    sealed bytea NOT NULL,
    version integer NOT NULL DEFAULT 1 CHECK (version > 0),
    -- Attempts without one success since then; how many in a row.
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since timestamptz,
    paused_at timestamptz,
    paused_reason text,
    PRIMARY KEY (workspace_id, endpoint_id),
    UNIQUE (workspace_id, name),
    CHECK ((failures = 0) = (failing_since IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_reason IS NULL))
);

-- One event on its way to one endpoint. Its id travels as `webhook-id`, the same at every attempt.
CREATE TABLE core.webhook_delivery (
    workspace_id integer NOT NULL,
    delivery_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    type text NOT NULL,
    -- What happened, by a name that is the same when it is told twice.
    event_key text NOT NULL,
    -- The very bytes that are signed and sent.
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at timestamptz,
    PRIMARY KEY (workspace_id, delivery_id),
    UNIQUE (workspace_id, endpoint_id, event_key),
    FOREIGN KEY (workspace_id, endpoint_id) REFERENCES core.webhook_endpoint ON DELETE CASCADE,
    CHECK ((state = 'waiting') = (settled_at IS NULL)),
    CHECK (state <> 'delivered' OR attempts > 0)
);
CREATE INDEX webhook_delivery_due ON core.webhook_delivery (workspace_id, endpoint_id, due_at)
    WHERE state = 'waiting';
CREATE INDEX webhook_delivery_settled ON core.webhook_delivery (workspace_id, state, settled_at)
    WHERE state <> 'waiting';

CALL core.close_to_other_workspaces('core.webhook_endpoint');
CALL core.close_to_other_workspaces('core.webhook_delivery');
