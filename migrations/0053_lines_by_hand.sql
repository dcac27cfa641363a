-- Who keeps a line: the workspace file, which the pages then only show, or people on the pages.

ALTER TABLE ivr_bridge.line ADD COLUMN managed_by text NOT NULL DEFAULT 'file'
    CHECK (managed_by IN ('file', 'pages'));
-- Counts the writes, so that two people who change a line at once do not undo each other.
ALTER TABLE ivr_bridge.line ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0);
