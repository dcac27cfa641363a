-- Rescue by SMS, the links it carries, and a second channel within one race.

ALTER TABLE ivr_bridge.rescue DROP CONSTRAINT rescue_kind_check;
ALTER TABLE ivr_bridge.rescue
    ADD CONSTRAINT rescue_kind_check CHECK (kind IN ('callback', 'sms')) NOT VALID,
    -- The SMS, also after it failed and somebody is called back instead.
    ADD COLUMN message_id uuid,
    ADD COLUMN fell_back_at timestamptz,
    ADD CONSTRAINT rescue_sms_has_message CHECK (kind <> 'sms' OR message_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT rescue_falls_to_callback
        CHECK (fell_back_at IS NULL OR (kind = 'callback' AND message_id IS NOT NULL)) NOT VALID;
CREATE UNIQUE INDEX rescue_by_message ON ivr_bridge.rescue (workspace_id, message_id)
    WHERE message_id IS NOT NULL;
CREATE INDEX rescue_by_conversation ON ivr_bridge.rescue (workspace_id, conversation_id)
    WHERE closed_at IS NULL;

-- A way from an SMS into the chat. The token itself is on the customer's phone only.
CREATE TABLE ivr_bridge.link (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    deflection_id uuid NOT NULL,
    -- Where it leads: the channel account, by name.
    account text NOT NULL,
    line_id uuid NOT NULL,
    language text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    opened_at timestamptz,
    opens integer NOT NULL DEFAULT 0 CHECK (opens >= 0),
    PRIMARY KEY (workspace_id, digest),
    FOREIGN KEY (workspace_id, deflection_id) REFERENCES ivr_bridge.deflection,
    FOREIGN KEY (workspace_id, line_id) REFERENCES ivr_bridge.line,
    CHECK ((opened_at IS NULL) = (opens = 0))
);
CREATE INDEX link_old ON ivr_bridge.link (workspace_id, expires_at);
CALL core.close_to_other_workspaces('ivr_bridge.link');

-- Which facts there are grows with the product, and is said once: ivr_bridge/outcome.py.
ALTER TABLE ivr_bridge.fact DROP CONSTRAINT IF EXISTS fact_fact_check;
ALTER TABLE ivr_bridge.fact ADD CONSTRAINT fact_is_a_word CHECK (fact ~ '^[a-z_]{3,40}$') NOT VALID;

ALTER TABLE ivr_bridge.deflection
    -- How long the provider may still deliver the opening; NULL when nobody bounds it.
    ADD COLUMN ttl_s integer CHECK (ttl_s > 0),
    -- What may follow, once, when the opening certainly failed while the caller still waits.
    ADD COLUMN fallback jsonb,
    -- The opening that failed before `message_id` went out on another channel.
    ADD COLUMN first_message_id uuid,
    ADD COLUMN first_channel text,
    ADD CONSTRAINT deflection_first_is_another CHECK (
        (first_message_id IS NULL) = (first_channel IS NULL)
        AND (first_message_id IS NULL
             OR (message_id IS NOT NULL AND message_id <> first_message_id AND channel <> first_channel))) NOT VALID;
CREATE UNIQUE INDEX deflection_by_first_message ON ivr_bridge.deflection (workspace_id, first_message_id)
    WHERE first_message_id IS NOT NULL;
-- One attempt of a call puts openings on the wire, and its two channels differ: at most one opening a
-- call and channel, ever.
-- squawk-ignore require-concurrent-index-deletion -- its successor must stand in the same moment
DROP INDEX ivr_bridge.deflection_one_opening;
CREATE UNIQUE INDEX deflection_one_opening ON ivr_bridge.deflection (workspace_id, call_ref)
    WHERE message_id IS NOT NULL;
