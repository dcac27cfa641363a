-- Every job locked its workspace's row, and with it every transaction of a workspace met there. Rows of
-- workspaces are never deleted, and row-level security ties each job to one.
ALTER TABLE core.job DROP CONSTRAINT job_workspace_id_fkey;
