-- Every opening locked its workspace, its account, its queue and its flow's version, and all openings
-- met at these four rows (see 0011). None of them is ever deleted, and each id was read from its own
-- table by the statement that writes it here.
ALTER TABLE handoff.conversation DROP CONSTRAINT conversation_workspace_id_fkey;
ALTER TABLE handoff.conversation DROP CONSTRAINT conversation_workspace_id_account_id_fkey;
ALTER TABLE handoff.conversation DROP CONSTRAINT conversation_workspace_id_queue_id_fkey;
ALTER TABLE handoff.conversation DROP CONSTRAINT conversation_workspace_id_flow_flow_version_fkey;
