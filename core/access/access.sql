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

-- name: lock_password
-- What a password is checked against; tries at one person are counted one after the other.
SELECT password_hash FROM core.person
 WHERE workspace_id = :workspace AND person_id = :person AND disabled_at IS NULL
   FOR NO KEY UPDATE;

-- name: recent_failures
-- Tries at one person lately that did not prove right: what the throttle counts.
SELECT count(*) FROM core.sign_in_attempt
 WHERE workspace_id = :workspace AND person_id = :person AND NOT succeeded AND at > now() - interval '10 minutes';

-- name: note_attempt
-- Somebody tries to sign in.
INSERT INTO core.sign_in_attempt (workspace_id, attempt_id, person_id, succeeded)
VALUES (:workspace, :attempt, :person, false);

-- name: attempt_fits
-- It was the right password.
UPDATE core.sign_in_attempt SET succeeded = true
 WHERE workspace_id = :workspace AND attempt_id = :attempt;

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
-- Add an API key of the workspace file, or bring what it opens up to date. No row when another workspace
-- has it, when it was issued by hand, or when a person took it back.
INSERT INTO core.api_key (workspace_id, key_id, name, key_hash, scopes, lines, networks, by_address)
VALUES (:workspace, :key, :name, :key_hash, :scopes, :lines, :networks, :by_address)
    ON CONFLICT (key_hash) DO UPDATE
   SET name = excluded.name, scopes = excluded.scopes, lines = excluded.lines, networks = excluded.networks,
       by_address = excluded.by_address, revoked_at = NULL, revoked_by = NULL
 WHERE core.api_key.workspace_id = excluded.workspace_id AND core.api_key.origin = 'file'
   AND core.api_key.revoked_by IS DISTINCT FROM 'command'
RETURNING key_id;

-- name: revoke_keys_except
-- Keys of this name that the workspace file no longer has stop opening anything.
UPDATE core.api_key SET revoked_at = now(), revoked_by = 'file'
 WHERE workspace_id = :workspace AND name = :name AND origin = 'file' AND revoked_at IS NULL
   AND key_hash <> ALL (:keep::bytea[]);

-- name: find_key
-- Directory: whose key is this.
SELECT workspace_id FROM core.api_key WHERE key_hash = :key_hash;

-- name: key -> core.access.keys:KeyHolder
-- What a live key opens that is shown as it is.
SELECT workspace_id, key_id, name, scopes, lines, networks, sealed_secret FROM core.api_key
 WHERE workspace_id = :workspace AND key_hash = :key_hash AND sealed_secret IS NULL AND NOT by_address
   AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());

-- name: find_key_id
-- Directory: whose is the key with this id.
SELECT workspace_id FROM core.api_key WHERE key_id = :key;

-- name: signing_key -> core.access.keys:KeyHolder
-- What a live key opens that signs its requests.
SELECT workspace_id, key_id, name, scopes, lines, networks, sealed_secret FROM core.api_key
 WHERE workspace_id = :workspace AND key_id = :key AND sealed_secret IS NOT NULL
   AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp());

-- name: find_address
-- Directory: the workspaces in which this address needs no key.
SELECT DISTINCT k.workspace_id FROM core.api_key AS k
 WHERE k.by_address AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
   AND EXISTS (SELECT FROM unnest(k.networks) AS n (network) WHERE n.network >>= :address::inet)
 LIMIT 2;

-- name: address_keys -> core.access.keys:KeyHolder
-- What this address opens by itself.
SELECT workspace_id, key_id, name, scopes, lines, networks, sealed_secret FROM core.api_key AS k
 WHERE k.workspace_id = :workspace AND k.by_address AND k.revoked_at IS NULL
   AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
   AND EXISTS (SELECT FROM unnest(k.networks) AS n (network) WHERE n.network >>= :address::inet)
 ORDER BY k.name, k.key_id;

-- name: use_nonce
-- A signed request's nonce, spent; no row when it was spent before.
INSERT INTO core.nonce (workspace_id, key_id, nonce) VALUES (:workspace, :key, :nonce)
    ON CONFLICT DO NOTHING
RETURNING nonce;

-- name: forget_nonces
-- Nonces whose timestamps would be refused by now.
DELETE FROM core.nonce
 WHERE workspace_id = :workspace AND seen_at < clock_timestamp() - make_interval(secs => :older_than_s);

-- name: count_refusals
-- So many more in this minute.
INSERT INTO core.refused_key AS r (workspace_id, subject, why, minute, times)
VALUES (:workspace, :subject, :why, date_trunc('minute', clock_timestamp()), :times)
    ON CONFLICT (workspace_id, subject, why, minute) DO UPDATE SET times = r.times + excluded.times;

-- name: forget_refusals
-- Minutes that nobody looks at any more.
DELETE FROM core.refused_key
 WHERE workspace_id = :workspace AND minute < clock_timestamp() - interval '1 hour';

-- name: hold_name
-- Keys of one name are changed by one command at a time.
SELECT pg_advisory_xact_lock(hashtextextended('core.api_key ' || :workspace::integer || ' ' || :name::text, 0));

-- name: issue_key
-- A key from the command line.
INSERT INTO core.api_key
       (workspace_id, key_id, name, key_hash, scopes, lines, networks, by_address, sealed_secret, origin)
VALUES (:workspace, :key, :name, :key_hash, :scopes, :lines, :networks, :by_address, :sealed_secret, 'issued');

-- name: issued_alive -> core.access.issuing:Issued
-- Live keys of one name that were issued from the command line, newest first.
SELECT key_id, name, origin, scopes, lines, networks, by_address, sealed_secret IS NOT NULL AS signs,
       created_at, expires_at, revoked_at,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) AS alive
  FROM core.api_key
 WHERE workspace_id = :workspace AND name = :name AND origin = 'issued' AND revoked_at IS NULL
   AND (expires_at IS NULL OR expires_at > clock_timestamp())
 ORDER BY created_at DESC, key_id DESC;

-- name: let_keys_run_out
-- Keys of one name that have been replaced: they die by themselves, none later than it would have.
UPDATE core.api_key
   SET expires_at = LEAST(expires_at, clock_timestamp() + make_interval(secs => :keep_s))
 WHERE workspace_id = :workspace AND key_id = ANY (:keys::uuid[]) AND revoked_at IS NULL;

-- name: revoke_keys
-- Live keys of one name, or with one id, taken back by a person.
UPDATE core.api_key SET revoked_at = clock_timestamp(), revoked_by = 'command'
 WHERE workspace_id = :workspace AND revoked_at IS NULL
   AND (name = :name OR key_id = :key::uuid)
RETURNING key_id, name, origin;

-- name: all_keys -> core.access.issuing:Issued
-- Every key of the workspace, the dead ones included, by name.
SELECT key_id, name, origin, scopes, lines, networks, by_address, sealed_secret IS NOT NULL AS signs,
       created_at, expires_at, revoked_at,
       revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) AS alive
  FROM core.api_key WHERE workspace_id = :workspace
 ORDER BY name, created_at, key_id;

-- name: audit
-- Write down who did what.
INSERT INTO core.audit (workspace_id, audit_id, actor_kind, actor_id, action, subject, facts)
VALUES (:workspace, :audit, :actor_kind, :actor_id, :action, :subject, :facts);
