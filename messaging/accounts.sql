-- name: account -> messaging.accounts:AccountRow
-- One account, by its id or by its name.
SELECT account_id, name, kind, base_url, external_id, settings, sealed, version
  FROM messaging.account
 WHERE workspace_id = :workspace AND (account_id = :account_id OR name = :name);

-- name: sketch -> messaging.accounts:Sketch
-- One account by its name, without its credentials.
SELECT account_id, kind, settings, COALESCE(stopped_until > clock_timestamp(), false) AS stopped
  FROM messaging.account
 WHERE workspace_id = :workspace AND name = :name;

-- name: add_account
-- A new account.
INSERT INTO messaging.account
       (workspace_id, account_id, name, kind, base_url, external_id, settings, sealed)
VALUES (:workspace, :account_id, :name, :kind, :base_url, :external_id, :settings, :sealed);

-- name: change_account
-- An account as it is wanted now; whatever stopped it is given another chance.
UPDATE messaging.account
   SET kind = :kind, base_url = :base_url, external_id = :external_id, settings = :settings,
       sealed = :sealed, version = version + 1, stopped_until = NULL, stopped_code = NULL
 WHERE workspace_id = :workspace AND account_id = :account_id;

-- name: stop_account
-- The provider refuses everything from this account: offer nothing for a while.
UPDATE messaging.account
   SET stopped_until = clock_timestamp() + make_interval(secs => :for_s), stopped_code = :code
 WHERE workspace_id = :workspace AND account_id = :account_id;

-- name: stopped
-- Why an account is stopped right now, if it is.
SELECT stopped_code FROM messaging.account
 WHERE workspace_id = :workspace AND account_id = :account_id AND stopped_until > clock_timestamp();
