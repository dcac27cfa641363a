-- What the desk needs beyond the conversation itself: who looks at it, and lists that page by index.

-- One desk looks at one conversation at a time. `typing_until` is when a sign of writing wears off.
-- Rows live for minutes: checking them takes no time worth splitting the check for.
ALTER TABLE handoff.operator_socket
    ADD COLUMN viewing uuid,
    ADD COLUMN typing_until timestamptz,
    -- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
    ADD CONSTRAINT operator_socket_viewing FOREIGN KEY (workspace_id, viewing)
        REFERENCES handoff.conversation (workspace_id, conversation_id),
    -- squawk-ignore constraint-missing-not-valid
    ADD CONSTRAINT operator_socket_typing CHECK (typing_until IS NULL OR viewing IS NOT NULL);
CREATE INDEX operator_socket_viewing ON handoff.operator_socket (workspace_id, viewing)
    WHERE viewing IS NOT NULL;

-- Where somebody began or ceased to look. Only ever added to, so that no two desks wait for each
-- other; rows older than any cursor that is still resumed are cleared away by the desks themselves.
CREATE TABLE handoff.viewed (
    workspace_id integer NOT NULL,
    conversation_id uuid NOT NULL,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, changed_xid, conversation_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES handoff.conversation
);
CREATE INDEX viewed_old ON handoff.viewed (workspace_id, at);
CALL core.close_to_other_workspaces('handoff.viewed');

-- A trigger, because desks also go without a goodbye: whoever deletes their rows need not know.
CREATE FUNCTION handoff.note_viewed() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.viewing IS NOT NULL THEN
        INSERT INTO handoff.viewed (workspace_id, conversation_id)
        VALUES (OLD.workspace_id, OLD.viewing) ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.viewing IS NOT NULL THEN
        INSERT INTO handoff.viewed (workspace_id, conversation_id)
        VALUES (NEW.workspace_id, NEW.viewing) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_viewed AFTER INSERT OR DELETE OR UPDATE OF viewing, typing_until
    ON handoff.operator_socket FOR EACH ROW EXECUTE FUNCTION handoff.note_viewed();

-- What waits for a person, in the order in which it is owed; a list shows more states than placing asks for.
CREATE INDEX conversation_waits ON handoff.conversation
    (workspace_id, queue_id, COALESCE(score, opened_at), conversation_id)
    WHERE state IN ('queued', 'reserved', 'after_hours', 'snoozed', 'parked');
