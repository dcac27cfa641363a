-- What keeps a line from being misused: places in a budget, openings a number, pauses.

-- How many openings were taken out of a budget in its present hour and day. `scope` is a line's id, or
-- 'all' for what the workspace's lines share. Processes take places by the block: what they have not
-- used when they die is lost until the period ends, and never comes on top.
CREATE TABLE ivr_bridge.budget_use (
    workspace_id integer NOT NULL,
    scope text NOT NULL,
    hour_from timestamptz NOT NULL,
    hour_taken integer NOT NULL DEFAULT 0 CHECK (hour_taken >= 0),
    day_from timestamptz NOT NULL,
    day_taken integer NOT NULL DEFAULT 0 CHECK (day_taken >= 0),
    PRIMARY KEY (workspace_id, scope)
);
ALTER TABLE ivr_bridge.budget_use SET (fillfactor = 50);

-- Openings by what is counted: a number, a run of neighbouring numbers, numbers that were keyed in, who
-- keyed them in. The subject is a hash; the caps are those of the latest opening.
CREATE TABLE ivr_bridge.velocity (
    workspace_id integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('number', 'prefix', 'keyed_in', 'keyed_in_from', 'keyed_in_line')),
    subject bytea NOT NULL,
    hour_from timestamptz NOT NULL,
    hour_used integer NOT NULL CHECK (hour_used >= 0),
    hour_cap integer CHECK (hour_cap >= 0),
    day_from timestamptz NOT NULL,
    day_used integer NOT NULL CHECK (day_used >= 0),
    day_cap integer CHECK (day_cap >= 0),
    PRIMARY KEY (workspace_id, kind, subject),
    CHECK (hour_used <= hour_cap),
    CHECK (day_used <= day_cap)
);
CREATE INDEX velocity_by_age ON ivr_bridge.velocity (workspace_id, day_from);
ALTER TABLE ivr_bridge.velocity SET (fillfactor = 80);

-- What is not to send at the moment: a line, a channel account, or all of them.
CREATE TABLE ivr_bridge.pause (
    workspace_id integer NOT NULL,
    pause_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('line', 'channel', 'all')),
    -- Its name; empty for all.
    subject text NOT NULL,
    why text NOT NULL DEFAULT '',
    paused_by text NOT NULL CHECK (paused_by IN ('command', 'watch')),
    from_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- NULL: until somebody lifts it.
    until_at timestamptz,
    lifted_at timestamptz,
    PRIMARY KEY (workspace_id, pause_id),
    CHECK ((kind = 'all') = (subject = ''))
);
CREATE INDEX pause_standing ON ivr_bridge.pause (workspace_id, kind, subject) WHERE lifted_at IS NULL;

CALL core.close_to_other_workspaces('ivr_bridge.budget_use');
CALL core.close_to_other_workspaces('ivr_bridge.velocity');
CALL core.close_to_other_workspaces('ivr_bridge.pause');

-- What the provider allows an account, as far as our own rows tell: people whom it wrote to in the last 24
-- hours, and templates (name/language) that it lately refused more often than not.
ALTER TABLE ivr_bridge.account_pace
    ADD COLUMN users_today integer CHECK (users_today >= 0),
    ADD COLUMN users_counted_at timestamptz,
    ADD COLUMN refused_templates text[] NOT NULL DEFAULT '{}';
