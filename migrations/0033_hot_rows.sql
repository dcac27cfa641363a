-- Every call locked its line's row, where all calls of a line met (see 0011). Lines are never deleted.
ALTER TABLE ivr_bridge.call DROP CONSTRAINT call_workspace_id_line_id_fkey;
