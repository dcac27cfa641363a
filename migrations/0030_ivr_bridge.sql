-- Calls: dialled numbers, what was decided about each caller, and what became of them.

CREATE SCHEMA ivr_bridge;
GRANT USAGE ON SCHEMA ivr_bridge TO ivr_bridge_service;

CREATE TABLE ivr_bridge.line (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    line_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    title text NOT NULL,
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    enabled boolean NOT NULL DEFAULT true,
    -- The channel account that speaks for this line, by name.
    account text NOT NULL,
    flow text NOT NULL,
    queue text NOT NULL,
    callback_queue text NOT NULL,
    confirm text NOT NULL CHECK (confirm IN ('accepted', 'sent', 'delivered')),
    grace_ms integer NOT NULL CHECK (grace_ms BETWEEN 0 AND 10000),
    deadline_ms integer CHECK (deadline_ms BETWEEN 500 AND 12000),
    rescue_after_s integer CHECK (rescue_after_s BETWEEN 1 AND 86400),
    repeat_call_s integer NOT NULL CHECK (repeat_call_s BETWEEN 0 AND 2592000),
    -- How long a caller's "No" counts for their next calls; within one call it always does.
    declined_s integer NOT NULL CHECK (declined_s BETWEEN 0 AND 2592000),
    can_poll boolean NOT NULL DEFAULT true,
    continue_to text,
    -- Opening templates and texts by language, and what the line's prompt says about consent.
    opening jsonb NOT NULL,
    prompts jsonb NOT NULL DEFAULT '{}',
    goodbye jsonb NOT NULL DEFAULT '{}',
    topics jsonb NOT NULL DEFAULT '{}',
    consent jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, line_id),
    UNIQUE (workspace_id, name)
);

CREATE TABLE ivr_bridge.line_number (
    workspace_id integer NOT NULL,
    number text NOT NULL CHECK (number <> ''),
    line_id uuid NOT NULL,
    -- The first is the one people know.
    position integer NOT NULL CHECK (position > 0),
    PRIMARY KEY (workspace_id, number),
    FOREIGN KEY (workspace_id, line_id) REFERENCES ivr_bridge.line
);

-- One inbound call, known by the IVR's own id. The moments are the earliest of their event, except
-- that `answered_at` and `ended_at` are the latest: what counts is how the call ended.
CREATE TABLE ivr_bridge.call (
    workspace_id integer NOT NULL,
    call_ref uuid NOT NULL,
    line_id uuid NOT NULL,
    -- Opaque; characters that text cannot hold are escaped (ivr_bridge/calls.py).
    call_id text NOT NULL CHECK (call_id <> ''),
    caller text CHECK (caller ~ '^\+[0-9]{4,15}$'),
    first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    entered_at timestamptz,
    offered_at timestamptz,
    offers integer NOT NULL DEFAULT 0 CHECK (offers >= 0),
    declined_at timestamptz,
    accepted_at timestamptz,
    queued_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    returned_at timestamptz,
    PRIMARY KEY (workspace_id, call_ref),
    UNIQUE (workspace_id, line_id, call_id),
    FOREIGN KEY (workspace_id, line_id) REFERENCES ivr_bridge.line
);
CREATE INDEX call_by_caller ON ivr_bridge.call (workspace_id, caller, first_seen_at) WHERE caller IS NOT NULL;
CREATE INDEX call_by_time ON ivr_bridge.call (workspace_id, first_seen_at);
ALTER TABLE ivr_bridge.call SET (fillfactor = 85);

-- What the IVR told about a call, each report once, in whatever order it came.
CREATE TABLE ivr_bridge.call_event (
    workspace_id integer NOT NULL,
    call_ref uuid NOT NULL,
    event text NOT NULL CHECK (event IN
        ('entered', 'offered', 'declined', 'accepted', 'queued', 'answered', 'ended', 'returned')),
    event_key text NOT NULL,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt integer CHECK (attempt > 0),
    voice_wait_s integer CHECK (voice_wait_s >= 0),
    queue_position integer CHECK (queue_position >= 0),
    PRIMARY KEY (workspace_id, call_ref, event, event_key),
    FOREIGN KEY (workspace_id, call_ref) REFERENCES ivr_bridge.call
);

-- May this caller be offered a messenger? Every answer that was given, with the rules behind it.
CREATE TABLE ivr_bridge.eligibility (
    workspace_id integer NOT NULL,
    eligibility_id uuid NOT NULL,
    call_ref uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt integer CHECK (attempt > 0),
    action text NOT NULL CHECK (action IN ('offer', 'continue')),
    reason text NOT NULL,
    arm text NOT NULL CHECK (arm IN ('treat', 'hold_out')),
    reachability text NOT NULL CHECK (reachability IN ('confirmed', 'unreachable', 'unknown')),
    trace jsonb NOT NULL,
    PRIMARY KEY (workspace_id, eligibility_id),
    FOREIGN KEY (workspace_id, call_ref) REFERENCES ivr_bridge.call,
    CHECK (action <> 'offer' OR arm = 'treat')
);
CREATE INDEX eligibility_of_call ON ivr_bridge.eligibility (workspace_id, call_ref);

-- One attempt to move a call to a messenger: decided once, then only facts are added.
CREATE TABLE ivr_bridge.deflection (
    workspace_id integer NOT NULL,
    deflection_id uuid NOT NULL,
    call_ref uuid NOT NULL,
    line_id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- After this moment, by the database's clock, whoever meets it pending settles it as `continue`.
    pending_until timestamptz NOT NULL,
    confirm text NOT NULL CHECK (confirm IN ('accepted', 'sent', 'delivered')),
    grace_ms integer NOT NULL CHECK (grace_ms >= 0),
    -- Fresh evidence, when it began, that this number can be reached on the channel.
    positive boolean NOT NULL DEFAULT false,
    can_poll boolean NOT NULL DEFAULT false,
    reachability text NOT NULL DEFAULT 'unknown' CHECK (reachability IN ('confirmed', 'unreachable', 'unknown')),
    channel text,
    account_id uuid,
    contact_id uuid,
    -- The opening that this attempt put on the wire itself.
    message_id uuid,
    -- Or the opening of an earlier attempt, whose state answers for this one too.
    answers_for uuid,
    conversation_id uuid,
    resumed boolean NOT NULL DEFAULT false,
    chat_wait_s integer,
    rescue_after_s integer NOT NULL DEFAULT 3660 CHECK (rescue_after_s > 0),
    consent jsonb NOT NULL DEFAULT '{}',
    asked jsonb NOT NULL DEFAULT '{}',
    trace jsonb NOT NULL DEFAULT '[]',
    outcome text NOT NULL DEFAULT 'pending' CHECK (outcome IN ('pending', 'hangup', 'continue')),
    reason text,
    proof text,
    decided_at timestamptz,
    decided_by text CHECK (decided_by IN ('rules', 'race', 'reader', 'sweep')),
    PRIMARY KEY (workspace_id, deflection_id),
    -- The answer key, permanent: workspace, line and call id (through the call), attempt.
    UNIQUE (workspace_id, call_ref, attempt),
    FOREIGN KEY (workspace_id, call_ref) REFERENCES ivr_bridge.call,
    CHECK ((outcome = 'pending') = (decided_at IS NULL)),
    CHECK ((outcome = 'pending') = (reason IS NULL)),
    CHECK ((outcome = 'pending') = (decided_by IS NULL)),
    -- No hang-up without its evidence.
    CHECK (outcome <> 'hangup' OR (
        COALESCE(message_id, answers_for) IS NOT NULL
        AND proof IN ('delivered_now', 'sent_quiet', 'sent_known', 'accepted_known')
        AND decided_by IN ('race', 'reader'))),
    CHECK (proof <> 'accepted_known' OR (confirm = 'accepted' AND positive)),
    CHECK (proof <> 'sent_known' OR (confirm <> 'delivered' AND positive)),
    CHECK (proof <> 'sent_quiet' OR confirm <> 'delivered'),
    CHECK (message_id IS NULL OR (channel IS NOT NULL AND account_id IS NOT NULL AND contact_id IS NOT NULL)),
    CHECK (message_id IS NULL OR answers_for IS NULL)
);
-- At most one opening a call and channel, ever.
CREATE UNIQUE INDEX deflection_one_opening ON ivr_bridge.deflection (workspace_id, call_ref, channel)
    WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX deflection_by_message ON ivr_bridge.deflection (workspace_id, message_id)
    WHERE message_id IS NOT NULL;
CREATE INDEX deflection_answers_for ON ivr_bridge.deflection (workspace_id, answers_for)
    WHERE answers_for IS NOT NULL;
CREATE INDEX deflection_pending ON ivr_bridge.deflection (workspace_id, pending_until)
    WHERE outcome = 'pending';
CREATE INDEX deflection_by_time ON ivr_bridge.deflection (workspace_id, created_at);
ALTER TABLE ivr_bridge.deflection SET (fillfactor = 75);

CREATE TABLE ivr_bridge.fact (
    workspace_id integer NOT NULL,
    deflection_id uuid NOT NULL,
    fact text NOT NULL CHECK (fact IN
        ('late', 'caller_left', 'engaged', 'contained', 'handed_over', 'closed', 'not_me', 'rescued',
         'repeat_call', 'hangup_confirmed', 'answered_after')),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    detail jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, deflection_id, fact),
    FOREIGN KEY (workspace_id, deflection_id) REFERENCES ivr_bridge.deflection
);

-- What a stranded caller got: one a call, whoever noticed first.
CREATE TABLE ivr_bridge.rescue (
    workspace_id integer NOT NULL,
    call_ref uuid NOT NULL,
    deflection_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    caller text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('callback')),
    conversation_id uuid NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    closed_reason text,
    PRIMARY KEY (workspace_id, call_ref),
    FOREIGN KEY (workspace_id, deflection_id) REFERENCES ivr_bridge.deflection,
    CHECK ((closed_at IS NULL) = (closed_reason IS NULL))
);
CREATE INDEX rescue_open ON ivr_bridge.rescue (workspace_id, contact_id) WHERE closed_at IS NULL;

-- How long each account's provider lately took, and whether it has fallen silent.
CREATE TABLE ivr_bridge.account_pace (
    workspace_id integer NOT NULL,
    account_id uuid NOT NULL,
    accepted_ms integer CHECK (accepted_ms >= 0),
    sent_ms integer CHECK (sent_ms >= 0),
    delivered_ms integer CHECK (delivered_ms >= 0),
    samples integer NOT NULL CHECK (samples >= 0),
    silent_until timestamptz,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, account_id)
);

CALL core.close_to_other_workspaces('ivr_bridge.line');
CALL core.close_to_other_workspaces('ivr_bridge.line_number');
CALL core.close_to_other_workspaces('ivr_bridge.call');
CALL core.close_to_other_workspaces('ivr_bridge.call_event');
CALL core.close_to_other_workspaces('ivr_bridge.eligibility');
CALL core.close_to_other_workspaces('ivr_bridge.deflection');
CALL core.close_to_other_workspaces('ivr_bridge.fact');
CALL core.close_to_other_workspaces('ivr_bridge.rescue');
CALL core.close_to_other_workspaces('ivr_bridge.account_pace');
