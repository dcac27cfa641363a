-- A foreign key locks the row it points at, and a row that every transaction points at becomes the
-- place where all of them meet: each lock is written down, and several at once need a multixact. Rows
-- of accounts and workspaces are never deleted, and row-level security ties every row to its workspace,
-- so these keys guarded nothing that could happen.
ALTER TABLE messaging.contact DROP CONSTRAINT contact_workspace_id_fkey;
ALTER TABLE messaging.thread DROP CONSTRAINT thread_workspace_id_account_id_fkey;
ALTER TABLE messaging.inbox DROP CONSTRAINT inbox_workspace_id_account_id_fkey;
-- A delivery row is only ever written by the statement that holds its message.
ALTER TABLE messaging.delivery DROP CONSTRAINT delivery_workspace_id_message_id_fkey;
