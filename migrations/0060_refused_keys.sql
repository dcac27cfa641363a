-- Keys that are somebody's and were refused, so that somebody hears of it.

CREATE TABLE core.refused_key (
    workspace_id integer NOT NULL,
    -- The key's name, or the line's whose platform signs.
    subject text NOT NULL,
    why text NOT NULL CHECK (why IN ('address', 'signature', 'replayed')),
    minute timestamptz NOT NULL,
    times integer NOT NULL CHECK (times > 0),
    PRIMARY KEY (workspace_id, subject, why, minute)
);
CREATE INDEX refused_key_by_age ON core.refused_key (workspace_id, minute);

CALL core.close_to_other_workspaces('core.refused_key');

-- Which alerts there are grows with the product, and is said once: ivr_bridge/guard/alerts.py.
ALTER TABLE ivr_bridge.alert DROP CONSTRAINT alert_kind_check;
ALTER TABLE ivr_bridge.alert ADD CONSTRAINT alert_kind_is_a_word CHECK (kind ~ '^[a-z_]{3,40}$') NOT VALID;
