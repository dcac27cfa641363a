-- What a person should look at: one open alert a kind and subject, closed when it is over.
CREATE TABLE ivr_bridge.alert (
    workspace_id integer NOT NULL,
    alert_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN
        ('budget', 'velocity', 'country_blocked', 'channel_quota', 'channel_silent', 'channel_stopped',
         'template_blocked', 'line_paused')),
    -- A line's or an account's name, or a template's with its account.
    subject text NOT NULL,
    facts jsonb NOT NULL DEFAULT '{}',
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    PRIMARY KEY (workspace_id, alert_id),
    CHECK (closed_at >= opened_at)
);
CREATE UNIQUE INDEX alert_open ON ivr_bridge.alert (workspace_id, kind, subject) WHERE closed_at IS NULL;

CALL core.close_to_other_workspaces('ivr_bridge.alert');

-- The latest openings of a line: how many answer, complain, or cannot be reached.
CREATE INDEX deflection_opened_on_line ON ivr_bridge.deflection (workspace_id, line_id, created_at)
    WHERE message_id IS NOT NULL;
