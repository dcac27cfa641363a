-- What the rules of a line need to know, and what an explanation needs to tell (ivr_bridge/policy).

-- Drawn by, so that nobody can work out beforehand to whom nothing will be offered. Two random UUIDs:
-- 244 bits from the server's own source. Each line has its own, so that their draws are independent.
-- The table holds as many rows as there are lines: it is written anew in no time.
ALTER TABLE ivr_bridge.line
    ADD COLUMN draw_key bytea NOT NULL
        -- squawk-ignore adding-field-with-default
        DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
        CHECK (octet_length(draw_key) >= 32);

-- Numbers that asked never to be written to, whole or as a beginning (`+7916*`).
CREATE TABLE ivr_bridge.do_not_contact (
    workspace_id integer NOT NULL REFERENCES core.workspace,
    pattern text NOT NULL CHECK (pattern ~ '^\+[0-9]{1,15}\*?$'),
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, pattern)
);
CALL core.close_to_other_workspaces('ivr_bridge.do_not_contact');

ALTER TABLE ivr_bridge.eligibility
    ADD COLUMN asked jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN channel text,
    ADD COLUMN evidence_source text,
    ADD COLUMN evidence_at timestamptz,
    -- How long it took, to this row.
    ADD COLUMN took_ms integer CHECK (took_ms >= 0),
    ADD CONSTRAINT eligibility_arm_and_reason CHECK ((arm = 'hold_out') = (reason = 'hold_out')) NOT VALID;

ALTER TABLE ivr_bridge.deflection
    ADD COLUMN evidence_source text,
    ADD COLUMN evidence_at timestamptz,
    -- From receipt to this row: `created_at` less this is when the request came.
    ADD COLUMN began_ms integer CHECK (began_ms >= 0),
    -- Held out before the offer, and came all the same: was promised a message and got it.
    ADD COLUMN crossed_over boolean NOT NULL DEFAULT false;
CREATE INDEX deflection_openings_of_contact ON ivr_bridge.deflection (workspace_id, contact_id, created_at)
    WHERE message_id IS NOT NULL;
