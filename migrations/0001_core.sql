-- The floor: who may see what, and durable work.

-- Three roles without login. The service works as the first, inside one workspace at a time; the
-- dispatcher finds due work of every workspace; the directory finds whose a name, key or session is.
-- None owns a table and none bypasses row-level security.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ivr_bridge_service', 'ivr_bridge_dispatcher', 'ivr_bridge_directory'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT NOBYPASSRLS', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- another database of this cluster made it
        END;
        EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
    END LOOP;
END $$;

CREATE SCHEMA core;
GRANT USAGE ON SCHEMA core TO ivr_bridge_service, ivr_bridge_dispatcher, ivr_bridge_directory;

-- NULL outside a workspace transaction, so that every policy then shows nothing.
CREATE FUNCTION core.current_workspace() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('ivr_bridge.workspace', true), '')::integer;

-- Every table of every room is closed through this one procedure, so that none is closed differently.
CREATE PROCEDURE core.close_to_other_workspaces(closed regclass)
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', closed);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', closed);
    EXECUTE format(
        'CREATE POLICY own_workspace ON %s TO ivr_bridge_service'
        ' USING (workspace_id = core.current_workspace())'
        ' WITH CHECK (workspace_id = core.current_workspace())', closed);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO ivr_bridge_service', closed);
END $$;

CREATE SEQUENCE core.workspace_number AS integer;
GRANT USAGE ON SEQUENCE core.workspace_number TO ivr_bridge_service;

CREATE TABLE core.workspace (
    workspace_id integer PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    title text NOT NULL,
    timezone text NOT NULL,
    languages text[] NOT NULL CHECK (cardinality(languages) > 0),
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE core.person (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    person_id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email)),
    name text NOT NULL,
    password_hash text,
    roles text[] NOT NULL CHECK (roles <@ ARRAY['operator', 'lead', 'manager', 'admin']),
    rights text[] NOT NULL DEFAULT '{}',
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, person_id),
    UNIQUE (workspace_id, email)
);
CREATE INDEX person_by_email ON core.person (email);

CREATE TABLE core.session (
    workspace_id integer NOT NULL,
    session_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    person_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (workspace_id, session_id),
    FOREIGN KEY (workspace_id, person_id) REFERENCES core.person
);
CREATE UNIQUE INDEX session_by_token ON core.session (token_hash);

CREATE TABLE core.api_key (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    key_id uuid NOT NULL,
    name text NOT NULL,
    key_hash bytea NOT NULL,
    -- What it opens: 'ivr', 'desk', 'reports'; `lines` narrows 'ivr', empty means all lines.
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    lines text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (workspace_id, key_id)
);
CREATE UNIQUE INDEX api_key_by_hash ON core.api_key (key_hash);

CREATE TABLE core.sign_in_attempt (
    workspace_id integer NOT NULL,
    attempt_id uuid NOT NULL,
    person_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    succeeded boolean NOT NULL,
    PRIMARY KEY (workspace_id, attempt_id),
    FOREIGN KEY (workspace_id, person_id) REFERENCES core.person
);
CREATE INDEX sign_in_attempt_recent ON core.sign_in_attempt (workspace_id, person_id, at);

CREATE TABLE core.audit (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    audit_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor_kind text NOT NULL CHECK (actor_kind IN ('person', 'key', 'system', 'command')),
    actor_id text,
    action text NOT NULL,
    subject text,
    facts jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (workspace_id, audit_id)
);

CREATE TABLE core.job (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    job_id uuid NOT NULL,
    band text NOT NULL,
    kind text NOT NULL,
    -- Jobs of one lane run one at a time, in the order of their ids.
    lane text,
    -- At most one job that waits may carry the same key; claiming takes the key off.
    key text,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'running', 'buried')),
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt integer NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    leased_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, job_id),
    CHECK ((state = 'running') = (leased_until IS NOT NULL))
);
CREATE UNIQUE INDEX job_key ON core.job (workspace_id, kind, key) WHERE key IS NOT NULL AND state = 'ready';
CREATE INDEX job_due ON core.job (band, due_at, job_id) WHERE state = 'ready';
CREATE INDEX job_lane ON core.job (workspace_id, lane, job_id) WHERE lane IS NOT NULL AND state <> 'buried';
CREATE INDEX job_leased ON core.job (leased_until) WHERE state = 'running';
-- Rows live for moments: clean up early and leave room for in-place updates.
ALTER TABLE core.job SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CALL core.close_to_other_workspaces('core.workspace');
CALL core.close_to_other_workspaces('core.person');
CALL core.close_to_other_workspaces('core.session');
CALL core.close_to_other_workspaces('core.api_key');
CALL core.close_to_other_workspaces('core.sign_in_attempt');
CALL core.close_to_other_workspaces('core.audit');
CALL core.close_to_other_workspaces('core.job');

-- The dispatcher claims and hands back jobs; it can neither add nor read anything else.
GRANT SELECT, UPDATE ON core.job TO ivr_bridge_dispatcher;
CREATE POLICY dispatched ON core.job TO ivr_bridge_dispatcher USING (true) WITH CHECK (true);

-- The directory answers "whose is this?" and shows no secret but hashes of random tokens.
GRANT SELECT (workspace_id, name, title) ON core.workspace TO ivr_bridge_directory;
GRANT SELECT (workspace_id, person_id, email) ON core.person TO ivr_bridge_directory;
GRANT SELECT (workspace_id, session_id, token_hash) ON core.session TO ivr_bridge_directory;
GRANT SELECT (workspace_id, key_id, key_hash) ON core.api_key TO ivr_bridge_directory;
CREATE POLICY directory ON core.workspace FOR SELECT TO ivr_bridge_directory USING (true);
CREATE POLICY directory ON core.person FOR SELECT TO ivr_bridge_directory USING (true);
CREATE POLICY directory ON core.session FOR SELECT TO ivr_bridge_directory USING (true);
CREATE POLICY directory ON core.api_key FOR SELECT TO ivr_bridge_directory USING (true);
