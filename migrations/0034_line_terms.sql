-- What a line agrees to beyond its number and its opening, as one document (ivr_bridge/terms.py).

ALTER TABLE ivr_bridge.line ADD COLUMN terms jsonb NOT NULL DEFAULT '{}';
