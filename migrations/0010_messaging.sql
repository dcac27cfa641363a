-- Channels and the people at their far end.

CREATE SCHEMA messaging;
GRANT USAGE ON SCHEMA messaging TO ivr_bridge_service;

CREATE TABLE messaging.account (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    account_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    kind text NOT NULL,
    base_url text NOT NULL,
    -- How the provider knows it: a WhatsApp phone_number_id.
    external_id text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    -- Credentials, encrypted under SECRET_KEY.
    sealed bytea NOT NULL,
    -- Counts changes, so that a process knows whether what it remembers is still so.
    version integer NOT NULL DEFAULT 1,
    -- The provider stopped us: nothing is offered until then.
    stopped_until timestamptz,
    stopped_code text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, account_id),
    UNIQUE (workspace_id, name),
    CHECK (stopped_until IS NULL OR stopped_code IS NOT NULL)
);

CREATE TABLE messaging.contact (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    contact_id uuid NOT NULL,
    name text,
    language text,
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, contact_id)
);

-- `scope` is the network that an address belongs to, empty for a telephone number.
CREATE TABLE messaging.address (
    workspace_id integer NOT NULL,
    address_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('phone', 'wa_id', 'bsuid', 'user_id')),
    scope text NOT NULL,
    value text NOT NULL CHECK (value <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, address_id),
    UNIQUE (workspace_id, kind, scope, value),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES messaging.contact,
    CHECK ((kind = 'phone') = (scope = '')),
    CHECK (kind <> 'phone' OR value ~ '^\+[0-9]{4,15}$')
);
CREATE INDEX address_of_contact ON messaging.address (workspace_id, contact_id);

CREATE TABLE messaging.opt_out (
    workspace_id integer NOT NULL,
    contact_id uuid NOT NULL,
    channel text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, contact_id, channel),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES messaging.contact
);

CREATE TABLE messaging.reachability (
    workspace_id integer NOT NULL,
    address_id uuid NOT NULL,
    channel text NOT NULL,
    positive_at timestamptz,
    positive_source text,
    sent_at timestamptz,
    negative_at timestamptz,
    negative_until timestamptz,
    negative_code text,
    -- How often in a row, so that asking again becomes rarer.
    negatives integer NOT NULL DEFAULT 0 CHECK (negatives >= 0),
    PRIMARY KEY (workspace_id, address_id, channel),
    FOREIGN KEY (workspace_id, address_id) REFERENCES messaging.address,
    CHECK ((positive_at IS NULL) = (positive_source IS NULL)),
    CHECK ((negative_at IS NULL) = (negative_until IS NULL))
);

CREATE TABLE messaging.thread (
    workspace_id integer NOT NULL,
    thread_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    account_id uuid NOT NULL,
    last_inbound_at timestamptz,
    -- Until when free words may be sent; 'infinity' where the channel knows no window.
    window_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, thread_id),
    UNIQUE (workspace_id, contact_id, account_id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES messaging.contact,
    FOREIGN KEY (workspace_id, account_id) REFERENCES messaging.account
);

CREATE TABLE messaging.template (
    workspace_id integer NOT NULL,
    template_id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    category text NOT NULL CHECK (category IN ('utility', 'marketing', 'authentication')),
    body text NOT NULL,
    footer text,
    parameters text[] NOT NULL DEFAULT '{}',
    buttons text[] NOT NULL DEFAULT '{}',
    ttl_s integer CHECK (ttl_s BETWEEN 30 AND 43200),
    state text NOT NULL DEFAULT 'approved' CHECK (state IN ('approved', 'paused', 'disabled')),
    state_code text,
    state_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, template_id),
    UNIQUE (workspace_id, account_id, name, language),
    FOREIGN KEY (workspace_id, account_id) REFERENCES messaging.account
);

CREATE TABLE messaging.media (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    media_id uuid NOT NULL,
    origin text NOT NULL CHECK (origin IN ('customer', 'upload')),
    -- Where a customer's file comes from.
    account_id uuid,
    provider_media_id text,
    provider_url text,
    state text NOT NULL CHECK (state IN ('pending', 'ready', 'refused', 'gone')),
    reason text,
    mime text NOT NULL,
    name text,
    size bigint CHECK (size >= 0),
    sha256 bytea,
    width integer CHECK (width > 0),
    height integer CHECK (height > 0),
    stored_as text,
    uploaded_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, media_id),
    FOREIGN KEY (workspace_id, account_id) REFERENCES messaging.account,
    CHECK ((origin = 'customer') = (account_id IS NOT NULL AND provider_media_id IS NOT NULL)),
    CHECK ((state = 'ready') = (stored_as IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL)),
    CHECK (state NOT IN ('refused', 'gone') OR reason IS NOT NULL)
);

-- A file that a provider has already: its id there, while it lives.
CREATE TABLE messaging.media_at_provider (
    workspace_id integer NOT NULL,
    media_id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider_media_id text NOT NULL,
    valid_until timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, media_id, account_id),
    FOREIGN KEY (workspace_id, media_id) REFERENCES messaging.media,
    FOREIGN KEY (workspace_id, account_id) REFERENCES messaging.account
);

CREATE TABLE messaging.message (
    workspace_id integer NOT NULL,
    message_id uuid NOT NULL,
    thread_id uuid NOT NULL,
    account_id uuid NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    author_kind text NOT NULL CHECK (author_kind IN ('customer', 'business', 'bot', 'operator', 'system')),
    author_id uuid,
    author_name text,
    purpose text NOT NULL CHECK (purpose IN ('opening', 'reply', 'message')),
    type text NOT NULL,
    text text,
    content jsonb NOT NULL,
    media_id uuid,
    reply_to uuid,
    client_key text,
    -- The address whose reachability this message tells about; set on openings.
    address_id uuid,
    watch boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The highest rank reached; a failure stands beside it (messaging/delivery.py).
    status text NOT NULL CHECK (status IN
        ('received', 'queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read')),
    provider_id text,
    failed_at timestamptz,
    failed_class text,
    failed_code text,
    attempt integer NOT NULL DEFAULT 0,
    fence integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    pricing jsonb,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (workspace_id, message_id),
    FOREIGN KEY (workspace_id, thread_id) REFERENCES messaging.thread,
    FOREIGN KEY (workspace_id, media_id) REFERENCES messaging.media,
    CHECK ((direction = 'in') = (status = 'received')),
    CHECK ((direction = 'in') = (author_kind = 'customer')),
    CHECK ((leased_until IS NOT NULL) = (status = 'sending' AND failed_at IS NULL)),
    CHECK ((failed_at IS NULL) = (failed_class IS NULL) AND (failed_at IS NULL) = (failed_code IS NULL)),
    CHECK (status IN ('queued', 'sending', 'unknown') OR provider_id IS NOT NULL),
    CHECK (purpose <> 'opening' OR (direction = 'out' AND address_id IS NOT NULL))
);
CREATE UNIQUE INDEX message_provider ON messaging.message (workspace_id, account_id, provider_id)
    WHERE provider_id IS NOT NULL;
CREATE UNIQUE INDEX message_client_key ON messaging.message (workspace_id, thread_id, client_key)
    WHERE client_key IS NOT NULL;
CREATE INDEX message_thread ON messaging.message (workspace_id, thread_id, message_id);
CREATE INDEX message_changed ON messaging.message (workspace_id, changed_xid);
CREATE INDEX message_leased ON messaging.message (workspace_id, leased_until) WHERE leased_until IS NOT NULL;
ALTER TABLE messaging.message SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- What was done to a message or reported about it, each once: a repeated report finds its row here,
-- and the state on the message can be recomputed from these rows. Our own steps carry their attempt.
CREATE TABLE messaging.delivery (
    workspace_id integer NOT NULL,
    message_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN
        ('queued', 'sending', 'put_back', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'failed')),
    attempt integer NOT NULL DEFAULT 0,
    -- Who said so: us, the provider's answer, or its webhook.
    source text NOT NULL CHECK (source IN ('service', 'answer', 'webhook')),
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    failed_class text,
    failed_code text,
    PRIMARY KEY (workspace_id, message_id, status, attempt),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messaging.message,
    CHECK (status <> 'failed' OR failed_code IS NOT NULL)
);

-- Reports about provider ids that no message of ours carries yet.
CREATE TABLE messaging.unmatched_status (
    workspace_id integer NOT NULL,
    account_id uuid NOT NULL,
    provider_id text NOT NULL,
    status text NOT NULL CHECK (status IN ('sent', 'delivered', 'read', 'failed')),
    at timestamptz NOT NULL,
    failed_class text,
    failed_code text,
    pricing jsonb,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, account_id, provider_id, status),
    FOREIGN KEY (workspace_id, account_id) REFERENCES messaging.account
);
CREATE INDEX unmatched_status_old ON messaging.unmatched_status (workspace_id, received_at);

-- Keys of provider events that were taken in, kept longer than any provider repeats itself.
CREATE TABLE messaging.seen (
    workspace_id integer NOT NULL,
    account_id uuid NOT NULL,
    event_key text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, account_id, event_key)
) PARTITION BY HASH (workspace_id, account_id, event_key);
CREATE TABLE messaging.seen_0 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE messaging.seen_1 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE messaging.seen_2 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE messaging.seen_3 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE messaging.seen_4 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE messaging.seen_5 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE messaging.seen_6 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE messaging.seen_7 PARTITION OF messaging.seen FOR VALUES WITH (MODULUS 8, REMAINDER 7);
CREATE INDEX seen_old ON messaging.seen USING brin (at) WITH (autosummarize = on);

-- What customers sent, until it is worked off; and what could not be understood, for a person to see.
CREATE TABLE messaging.inbox (
    workspace_id integer NOT NULL,
    inbox_id uuid NOT NULL,
    account_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('message', 'other', 'unparsed')),
    event_key text,
    payload jsonb,
    raw bytea,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    processed_at timestamptz,
    PRIMARY KEY (workspace_id, inbox_id),
    FOREIGN KEY (workspace_id, account_id) REFERENCES messaging.account,
    CHECK ((kind = 'unparsed') = (raw IS NOT NULL)),
    CHECK ((kind = 'unparsed') = (payload IS NULL))
);
CREATE INDEX inbox_old ON messaging.inbox (workspace_id, received_at) WHERE processed_at IS NOT NULL OR kind <> 'message';

CALL core.close_to_other_workspaces('messaging.account');
CALL core.close_to_other_workspaces('messaging.contact');
CALL core.close_to_other_workspaces('messaging.address');
CALL core.close_to_other_workspaces('messaging.opt_out');
CALL core.close_to_other_workspaces('messaging.reachability');
CALL core.close_to_other_workspaces('messaging.thread');
CALL core.close_to_other_workspaces('messaging.template');
CALL core.close_to_other_workspaces('messaging.media');
CALL core.close_to_other_workspaces('messaging.media_at_provider');
CALL core.close_to_other_workspaces('messaging.message');
CALL core.close_to_other_workspaces('messaging.delivery');
CALL core.close_to_other_workspaces('messaging.unmatched_status');
CALL core.close_to_other_workspaces('messaging.seen');
CALL core.close_to_other_workspaces('messaging.inbox');
