-- name: next_workspace
-- The number of a workspace about to be made, so that its transaction can be opened under it.
SELECT nextval('core.workspace_number')::integer AS workspace_id;

-- name: put_workspace
-- Make a workspace or bring it up to date.
INSERT INTO core.workspace (workspace_id, name, title, timezone, languages, settings)
VALUES (:workspace, :name, :title, :timezone, :languages, :settings)
    ON CONFLICT (workspace_id) DO UPDATE
   SET title = excluded.title, timezone = excluded.timezone, languages = excluded.languages,
       settings = excluded.settings;

-- name: workspace -> core.access.workspaces:Workspace
-- One workspace, as its own transaction sees it.
SELECT workspace_id, name, title, timezone, languages, settings
  FROM core.workspace WHERE workspace_id = :workspace;

-- name: find_workspace
-- Directory: which number goes with this name.
SELECT workspace_id FROM core.workspace WHERE name = :name;

-- name: all_workspaces
-- Directory: every workspace, for work that goes round.
SELECT workspace_id, name, title FROM core.workspace ORDER BY workspace_id;

-- name: people_with_email
-- Directory: in which workspaces does this address belong to someone.
SELECT p.workspace_id, p.person_id, w.name, w.title
  FROM core.person AS p JOIN core.workspace AS w USING (workspace_id) WHERE p.email = :email;

-- name: put_person
-- Add a person or bring them up to date; a password is kept when none is given.
INSERT INTO core.person (workspace_id, person_id, email, name, password_hash, roles, rights)
VALUES (:workspace, :person, :email, :name, :password_hash, :roles, :rights)
    ON CONFLICT (workspace_id, email) DO UPDATE
   SET name = excluded.name, roles = excluded.roles, rights = excluded.rights, disabled_at = NULL,
       password_hash = COALESCE(excluded.password_hash, core.person.password_hash)
RETURNING person_id;

-- name: person -> core.access.people:Person
-- One person who may still sign in.
SELECT person_id, email, name, roles, rights
  FROM core.person WHERE workspace_id = :workspace AND person_id = :person AND disabled_at IS NULL;

-- name: person_with_email
-- Whoever has this address in the workspace.
SELECT person_id FROM core.person WHERE workspace_id = :workspace AND email = :email;

-- name: people -> core.access.people:Person
-- Everyone of the workspace.
SELECT person_id, email, name, roles, rights
  FROM core.person WHERE workspace_id = :workspace AND disabled_at IS NULL ORDER BY name, person_id;

-- name: password_hash
-- What a password is checked against.
SELECT password_hash FROM core.person
 WHERE workspace_id = :workspace AND person_id = :person AND disabled_at IS NULL;

-- name: recent_failures
-- Wrong passwords for one person lately: what the throttle counts.
SELECT count(*) FROM core.sign_in_attempt
 WHERE workspace_id = :workspace AND person_id = :person AND NOT succeeded AND at > now() - interval '10 minutes';

-- name: note_attempt
-- Remember a try to sign in.
INSERT INTO core.sign_in_attempt (workspace_id, attempt_id, person_id, succeeded)
VALUES (:workspace, :attempt, :person, :succeeded);

-- name: open_session
-- A person signed in.
INSERT INTO core.session (workspace_id, session_id, token_hash, person_id, expires_at)
VALUES (:workspace, :session, :token_hash, :person, :expires_at);

-- name: find_session
-- Directory: whose session is this.
SELECT workspace_id FROM core.session WHERE token_hash = :token_hash;

-- name: session -> core.access.sessions:SessionRow
-- A session that still counts, with its person.
SELECT s.session_id, s.expires_at, p.person_id, p.email, p.name, p.roles, p.rights
  FROM core.session AS s JOIN core.person AS p USING (workspace_id, person_id)
 WHERE s.workspace_id = :workspace AND s.token_hash = :token_hash
   AND s.ended_at IS NULL AND s.expires_at > now() AND p.disabled_at IS NULL;

-- name: end_session
-- A person signed out.
UPDATE core.session SET ended_at = now()
 WHERE workspace_id = :workspace AND session_id = :session AND ended_at IS NULL;

-- name: put_key
-- Add an API key, or bring what it opens up to date.
INSERT INTO core.api_key (workspace_id, key_id, name, key_hash, scopes, lines)
VALUES (:workspace, :key, :name, :key_hash, :scopes, :lines)
    ON CONFLICT (key_hash) DO UPDATE
   SET name = excluded.name, scopes = excluded.scopes, lines = excluded.lines, revoked_at = NULL
 WHERE core.api_key.workspace_id = excluded.workspace_id
RETURNING key_id;

-- name: revoke_keys_except
-- Keys of this name that are no longer wanted stop opening anything.
UPDATE core.api_key SET revoked_at = now()
 WHERE workspace_id = :workspace AND name = :name AND revoked_at IS NULL AND key_hash <> ALL (:keep::bytea[]);

-- name: find_key
-- Directory: whose key is this.
SELECT workspace_id FROM core.api_key WHERE key_hash = :key_hash;

-- name: key -> core.access.keys:KeyHolder
-- What a live key opens.
SELECT workspace_id, key_id, name, scopes, lines FROM core.api_key
 WHERE workspace_id = :workspace AND key_hash = :key_hash AND revoked_at IS NULL;

-- name: audit
-- Write down who did what.
INSERT INTO core.audit (workspace_id, audit_id, actor_kind, actor_id, action, subject, facts)
VALUES (:workspace, :audit, :actor_kind, :actor_id, :action, :subject, :facts);
