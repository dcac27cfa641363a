-- The conversation and who holds it: queues, operators, reservations, and the bot's published flows.

CREATE SCHEMA handoff;
GRANT USAGE ON SCHEMA handoff TO ivr_bridge_service;

CREATE TABLE handoff.queue (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    queue_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    title text NOT NULL,
    -- A conversation that names no queue waits in this one.
    is_default boolean NOT NULL DEFAULT false,
    open boolean NOT NULL DEFAULT true,
    priority integer NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 100),
    reservation_s integer NOT NULL DEFAULT 30 CHECK (reservation_s BETWEEN 5 AND 900),
    unanswered_s integer NOT NULL DEFAULT 180 CHECK (unanswered_s BETWEEN 30 AND 86400),
    wrapup_s integer NOT NULL DEFAULT 30 CHECK (wrapup_s BETWEEN 0 AND 3600),
    reopen_s integer NOT NULL DEFAULT 86400 CHECK (reopen_s BETWEEN 0 AND 2592000),
    grace_s integer NOT NULL DEFAULT 60 CHECK (grace_s BETWEEN 0 AND 3600),
    PRIMARY KEY (workspace_id, queue_id),
    UNIQUE (workspace_id, name)
);
CREATE UNIQUE INDEX queue_default ON handoff.queue (workspace_id) WHERE is_default;

CREATE TABLE handoff.queue_member (
    workspace_id integer NOT NULL,
    queue_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    PRIMARY KEY (workspace_id, queue_id, operator_id),
    FOREIGN KEY (workspace_id, queue_id) REFERENCES handoff.queue,
    FOREIGN KEY (workspace_id, operator_id) REFERENCES core.person
);
CREATE INDEX queue_member_operator ON handoff.queue_member (workspace_id, operator_id);

-- Whether a person can take work, and how much they hold. `load` changes only together with what
-- they hold, in the same transaction.
CREATE TABLE handoff.operator_state (
    workspace_id integer NOT NULL,
    operator_id uuid NOT NULL,
    declared text NOT NULL DEFAULT 'offline' CHECK (declared IN ('online', 'busy', 'break', 'offline')),
    reason text,
    link text NOT NULL DEFAULT 'lost' CHECK (link IN ('connected', 'grace', 'lost')),
    not_responding boolean NOT NULL DEFAULT false,
    misses integer NOT NULL DEFAULT 0 CHECK (misses >= 0),
    load integer NOT NULL DEFAULT 0 CHECK (load >= 0),
    capacity integer NOT NULL DEFAULT 5 CHECK (capacity BETWEEN 1 AND 100),
    last_assigned_at timestamptz,
    since timestamptz NOT NULL,
    -- The end of the grace after the last socket went; what they hold is theirs until then.
    grace_until timestamptz,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (workspace_id, operator_id),
    FOREIGN KEY (workspace_id, operator_id) REFERENCES core.person,
    CHECK ((link = 'grace') = (grace_until IS NOT NULL)),
    CHECK (reason IS NULL OR declared = 'break')
);
CREATE INDEX operator_state_changed ON handoff.operator_state (workspace_id, changed_xid);
ALTER TABLE handoff.operator_state SET (fillfactor = 70);

-- Every interval of presence is kept: worked hours and breaks are read from here.
CREATE TABLE handoff.presence_interval (
    workspace_id integer NOT NULL,
    interval_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    declared text NOT NULL,
    reason text,
    link text NOT NULL,
    not_responding boolean NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (workspace_id, interval_id),
    FOREIGN KEY (workspace_id, operator_id) REFERENCES handoff.operator_state
);
CREATE UNIQUE INDEX presence_interval_now ON handoff.presence_interval (workspace_id, operator_id)
    WHERE ended_at IS NULL;
CREATE INDEX presence_interval_by_time ON handoff.presence_interval (workspace_id, operator_id, began_at);

-- One row per desk that is connected. Leased by the database's clock: a web process that was killed
-- says no goodbye, so its rows simply run out.
CREATE TABLE handoff.operator_socket (
    workspace_id integer NOT NULL,
    socket_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, socket_id),
    FOREIGN KEY (workspace_id, operator_id) REFERENCES handoff.operator_state
);
CREATE INDEX operator_socket_operator ON handoff.operator_socket (workspace_id, operator_id);
CREATE INDEX operator_socket_expires ON handoff.operator_socket (workspace_id, expires_at);

-- Published flows never change: a conversation stays on the version it began with.
CREATE TABLE handoff.flow_version (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    flow text NOT NULL,
    version text NOT NULL,
    content text NOT NULL,
    published_at timestamptz NOT NULL,
    published_by uuid,
    -- A harmful version: its conversations go to people at their next turn.
    recalled_at timestamptz,
    PRIMARY KEY (workspace_id, flow, version)
);

CREATE TABLE handoff.flow (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    flow text NOT NULL,
    version text NOT NULL,
    -- Plays with customers who write without having been invited.
    is_default boolean NOT NULL DEFAULT false,
    PRIMARY KEY (workspace_id, flow),
    FOREIGN KEY (workspace_id, flow, version) REFERENCES handoff.flow_version
);
CREATE UNIQUE INDEX flow_default ON handoff.flow (workspace_id) WHERE is_default;

CREATE TABLE handoff.conversation (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    conversation_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('chat', 'callback')),
    state text NOT NULL CHECK (state IN (
        'invited', 'bot', 'queued', 'reserved', 'active', 'waiting_customer', 'wrapup',
        'after_hours', 'snoozed', 'parked', 'abandoned', 'closed')),
    epoch integer NOT NULL DEFAULT 1 CHECK (epoch > 0),
    contact_id uuid NOT NULL,
    thread_id uuid,
    account_id uuid,
    -- The conversation that this one continues, when that one was closed too long ago.
    previous_id uuid,
    -- Where it waits, or will wait when the bot hands it over.
    queue_id uuid NOT NULL,
    operator_id uuid,
    language text NOT NULL,
    -- What began it (a deflection), as the upper room knows it; and the call's card.
    origin uuid,
    card jsonb,
    flow text,
    flow_version text,
    bot_state jsonb,
    -- What the customer said since the bot's last turn; empty once a person holds it.
    heard jsonb NOT NULL DEFAULT '[]',
    heard_since timestamptz,
    bot_answered boolean NOT NULL DEFAULT false,
    summary jsonb,
    topic text,
    topic_verdict text CHECK (topic_verdict IN ('right', 'wrong', 'out_of_scope')),
    tags text[] NOT NULL DEFAULT '{}',
    priority integer NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL,
    -- The customer's first message after the call that invited (or last resumed) it.
    engaged_at timestamptz,
    last_inbound_at timestamptz,
    enqueued_at timestamptz,
    score timestamptz,
    next_eval_at timestamptz,
    -- Operators who declined or missed it since it began to wait.
    tried uuid[] NOT NULL DEFAULT '{}',
    reserved_until timestamptz,
    accepted_at timestamptz,
    -- Since when the customer has waited for a person.
    waiting_since timestamptz,
    -- When its operator last showed that an answer is being written.
    typing_at timestamptz,
    wrapup_until timestamptz,
    closed_at timestamptz,
    closed_reason text,
    last_operator_id uuid,
    last_seq integer NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    read_seq integer NOT NULL DEFAULT 0 CHECK (read_seq >= 0),
    unread integer NOT NULL DEFAULT 0 CHECK (unread >= 0),
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (workspace_id, conversation_id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES messaging.contact,
    FOREIGN KEY (workspace_id, thread_id) REFERENCES messaging.thread,
    FOREIGN KEY (workspace_id, account_id) REFERENCES messaging.account,
    FOREIGN KEY (workspace_id, queue_id) REFERENCES handoff.queue,
    FOREIGN KEY (workspace_id, operator_id) REFERENCES handoff.operator_state,
    FOREIGN KEY (workspace_id, last_operator_id) REFERENCES handoff.operator_state,
    FOREIGN KEY (workspace_id, previous_id) REFERENCES handoff.conversation,
    FOREIGN KEY (workspace_id, flow, flow_version) REFERENCES handoff.flow_version,
    CHECK (kind <> 'chat' OR (thread_id IS NOT NULL AND account_id IS NOT NULL)),
    CHECK (kind <> 'callback' OR (thread_id IS NULL AND state NOT IN ('invited', 'bot', 'waiting_customer'))),
    -- Each open state names its holder: an operator here, the queue by `score`, or else the bot.
    CHECK ((operator_id IS NOT NULL) = (state IN ('reserved', 'active', 'waiting_customer', 'wrapup'))),
    CHECK (state NOT IN ('queued', 'reserved') OR
           (enqueued_at IS NOT NULL AND score IS NOT NULL AND next_eval_at IS NOT NULL)),
    CHECK (state NOT IN ('invited', 'bot') OR (flow IS NOT NULL AND enqueued_at IS NULL)),
    CHECK ((reserved_until IS NOT NULL) = (state = 'reserved')),
    CHECK ((wrapup_until IS NOT NULL) = (state = 'wrapup')),
    CHECK ((closed_at IS NOT NULL) = (state IN ('closed', 'abandoned'))),
    CHECK ((closed_reason IS NOT NULL) = (closed_at IS NOT NULL)),
    CHECK (state <> 'waiting_customer' OR waiting_since IS NULL)
);
CREATE UNIQUE INDEX conversation_open_thread ON handoff.conversation (workspace_id, thread_id)
    WHERE kind = 'chat' AND state NOT IN ('closed', 'abandoned');
CREATE UNIQUE INDEX conversation_open_callback ON handoff.conversation (workspace_id, contact_id)
    WHERE kind = 'callback' AND state NOT IN ('closed', 'abandoned');
CREATE INDEX conversation_waiting ON handoff.conversation (workspace_id, queue_id, score, conversation_id)
    WHERE state = 'queued';
CREATE INDEX conversation_held ON handoff.conversation (workspace_id, operator_id)
    WHERE operator_id IS NOT NULL;
CREATE INDEX conversation_by_thread ON handoff.conversation (workspace_id, thread_id, conversation_id)
    WHERE thread_id IS NOT NULL;
CREATE INDEX conversation_by_contact ON handoff.conversation (workspace_id, contact_id, conversation_id);
CREATE INDEX conversation_open ON handoff.conversation (workspace_id, queue_id, conversation_id)
    WHERE state NOT IN ('closed', 'abandoned');
CREATE INDEX conversation_closed ON handoff.conversation (workspace_id, queue_id, closed_at DESC, conversation_id)
    WHERE state IN ('closed', 'abandoned');
CREATE INDEX conversation_changed ON handoff.conversation (workspace_id, changed_xid);
ALTER TABLE handoff.conversation SET (fillfactor = 80);

-- Every change of a conversation's state: what, when, who, why.
CREATE TABLE handoff.transition (
    workspace_id integer NOT NULL,
    transition_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    from_state text,
    to_state text NOT NULL,
    move text NOT NULL,
    epoch integer NOT NULL,
    at timestamptz NOT NULL,
    by_kind text NOT NULL CHECK (by_kind IN ('call', 'customer', 'bot', 'operator', 'system')),
    by_id uuid,
    reason text NOT NULL,
    queue_id uuid NOT NULL,
    operator_id uuid,
    PRIMARY KEY (workspace_id, transition_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES handoff.conversation
);
CREATE INDEX transition_of_conversation ON handoff.transition (workspace_id, conversation_id, transition_id);
CREATE INDEX transition_by_time ON handoff.transition (workspace_id, at);

-- The transcript: a message, or a quiet line about what happened. Counted without gaps.
CREATE TABLE handoff.entry (
    workspace_id integer NOT NULL,
    conversation_id uuid NOT NULL,
    seq integer NOT NULL CHECK (seq > 0),
    message_id uuid,
    event jsonb,
    author text NOT NULL CHECK (author IN ('customer', 'bot', 'operator', 'system', 'business')),
    author_id uuid,
    -- The sender's own key for a message, so that asking twice says it once.
    client_key text,
    at timestamptz NOT NULL,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (workspace_id, conversation_id, seq),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES handoff.conversation,
    FOREIGN KEY (workspace_id, message_id) REFERENCES messaging.message,
    CHECK ((message_id IS NULL) <> (event IS NULL)),
    CHECK (event IS NULL OR event ? 'code')
);
CREATE UNIQUE INDEX entry_message ON handoff.entry (workspace_id, message_id) WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX entry_client_key ON handoff.entry (workspace_id, conversation_id, client_key)
    WHERE client_key IS NOT NULL;
CREATE INDEX entry_changed ON handoff.entry (workspace_id, changed_xid);

-- A conversation held out to an operator, until it is taken, refused, runs out or is withdrawn.
CREATE TABLE handoff.reservation (
    workspace_id integer NOT NULL,
    reservation_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    operator_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'accepted', 'declined', 'timed_out', 'rescinded')),
    -- The conversation's epoch under which it was held out.
    epoch integer NOT NULL,
    offered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    settled_at timestamptz,
    reason text,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (workspace_id, reservation_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES handoff.conversation,
    FOREIGN KEY (workspace_id, operator_id) REFERENCES handoff.operator_state,
    CHECK (expires_at > offered_at),
    CHECK ((status = 'pending') = (settled_at IS NULL))
);
CREATE UNIQUE INDEX reservation_live ON handoff.reservation (workspace_id, conversation_id)
    WHERE status = 'pending';
CREATE INDEX reservation_of_operator ON handoff.reservation (workspace_id, operator_id) WHERE status = 'pending';
CREATE INDEX reservation_of_conversation ON handoff.reservation (workspace_id, conversation_id, reservation_id);
CREATE INDEX reservation_changed ON handoff.reservation (workspace_id, changed_xid);

CALL core.close_to_other_workspaces('handoff.queue');
CALL core.close_to_other_workspaces('handoff.queue_member');
CALL core.close_to_other_workspaces('handoff.operator_state');
CALL core.close_to_other_workspaces('handoff.presence_interval');
CALL core.close_to_other_workspaces('handoff.operator_socket');
CALL core.close_to_other_workspaces('handoff.flow_version');
CALL core.close_to_other_workspaces('handoff.flow');
CALL core.close_to_other_workspaces('handoff.conversation');
CALL core.close_to_other_workspaces('handoff.transition');
CALL core.close_to_other_workspaces('handoff.entry');
CALL core.close_to_other_workspaces('handoff.reservation');
