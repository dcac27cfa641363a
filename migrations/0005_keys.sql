-- Keys that are issued, rotated and taken back by hand, that sign instead of being shown, that work
-- only from some addresses, or that an address stands for.

ALTER TABLE core.api_key
    -- Who manages it: the workspace file, which brings its own secret, or the command line.
    ADD COLUMN origin text NOT NULL DEFAULT 'file' CHECK (origin IN ('file', 'issued')),
    -- Empty: from anywhere.
    ADD COLUMN networks cidr[] NOT NULL DEFAULT '{}',
    -- To come from one of its networks is enough: for platforms that can send no key.
    ADD COLUMN by_address boolean NOT NULL DEFAULT false,
    -- The secret of a key that signs its requests. Such a key is never taken as a bearer's.
    ADD COLUMN sealed_secret bytea,
    ADD COLUMN expires_at timestamptz,
    -- A key that a person took back does not come to life again when a file is applied.
    ADD COLUMN revoked_by text CHECK (revoked_by IN ('file', 'command')),
    -- A table of few rows: read whole in a moment.
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT api_key_address_is_known CHECK (NOT by_address OR cardinality(networks) > 0),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT api_key_is_one_kind CHECK (NOT by_address OR sealed_secret IS NULL);
CREATE UNIQUE INDEX api_key_by_id ON core.api_key (key_id);
CREATE INDEX api_key_by_address ON core.api_key (workspace_id) WHERE by_address;
CREATE INDEX api_key_by_name ON core.api_key (workspace_id, name);

-- The directory also answers "which workspaces does this address stand for?".
GRANT SELECT (by_address, networks, revoked_at, expires_at) ON core.api_key TO ivr_bridge_directory;

-- What signed requests were seen: each nonce opens the door once. Forgotten when its timestamp would
-- be refused anyway.
CREATE TABLE core.nonce (
    workspace_id integer NOT NULL,
    key_id uuid NOT NULL,
    nonce text NOT NULL CHECK (nonce ~ '^[A-Za-z0-9_-]{16,64}$'),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, key_id, nonce)
);
CREATE INDEX nonce_by_age ON core.nonce (workspace_id, seen_at);
ALTER TABLE core.nonce SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

CALL core.close_to_other_workspaces('core.nonce');
