-- name: things
-- Everything that a workspace file manages, as it is: what kind of thing, its name, its content.
-- Credentials appear as the number of their version, passwords not at all.
SELECT 'workspace' AS kind, w.name, jsonb_build_object('title', w.title, 'timezone', w.timezone,
           'languages', w.languages, 'settings', w.settings) AS content
  FROM core.workspace AS w WHERE w.workspace_id = :workspace
UNION ALL
SELECT 'channel', a.name, jsonb_build_object('kind', a.kind, 'base_url', a.base_url,
           'external_id', a.external_id, 'settings', a.settings, 'version', a.version)
  FROM messaging.account AS a WHERE a.workspace_id = :workspace
UNION ALL
SELECT 'webhook', e.name, jsonb_build_object('url', e.url, 'events', e.events, 'private', e.private,
           'include_caller', e.include_caller, 'version', e.version)
  FROM core.webhook_endpoint AS e WHERE e.workspace_id = :workspace
UNION ALL
SELECT 'template', a.name || '/' || t.name || '/' || t.language,
       jsonb_build_object('category', t.category, 'body', t.body, 'footer', t.footer,
           'parameters', t.parameters, 'buttons', t.buttons, 'ttl_s', t.ttl_s)
  FROM messaging.template AS t JOIN messaging.account AS a USING (workspace_id, account_id)
 WHERE t.workspace_id = :workspace
UNION ALL
SELECT 'flow', f.flow, jsonb_build_object('version', f.version, 'default', f.is_default)
  FROM handoff.flow AS f WHERE f.workspace_id = :workspace
UNION ALL
SELECT 'queue', q.name, to_jsonb(q) - 'workspace_id' - 'queue_id' - 'name'
  FROM handoff.queue AS q WHERE q.workspace_id = :workspace
UNION ALL
SELECT 'line', l.name, to_jsonb(l) - 'workspace_id' - 'line_id' - 'name' - 'created_at' - 'changed_at'
           - 'draw_key' - 'version' || jsonb_build_object('numbers', (SELECT array_agg(n.number ORDER BY n.position)
                  FROM ivr_bridge.line_number AS n
                 WHERE n.workspace_id = l.workspace_id AND n.line_id = l.line_id))
  FROM ivr_bridge.line AS l WHERE l.workspace_id = :workspace
UNION ALL
SELECT 'signing', l.name, jsonb_object_agg(s.signer || ' ' || s.position, s.changed_at)
  FROM ivr_bridge.line_secret AS s JOIN ivr_bridge.line AS l USING (workspace_id, line_id)
 WHERE s.workspace_id = :workspace GROUP BY l.name
UNION ALL
SELECT 'numbers', 'do_not_contact', jsonb_build_object('listed', count(*), 'latest', max(n.added_at))
  FROM ivr_bridge.do_not_contact AS n WHERE n.workspace_id = :workspace HAVING count(*) > 0
UNION ALL
SELECT 'key', k.name, jsonb_build_object('scopes', k.scopes, 'lines', k.lines, 'networks', k.networks,
           'live', count(*) FILTER (WHERE k.revoked_at IS NULL), 'hashes', array_agg(encode(k.key_hash, 'hex') ORDER BY k.key_hash))
  FROM core.api_key AS k WHERE k.workspace_id = :workspace AND k.origin = 'file'
 GROUP BY k.name, k.scopes, k.lines, k.networks
UNION ALL
SELECT 'person', p.email, jsonb_build_object('name', p.name, 'roles', p.roles, 'rights', p.rights,
           'capacity', s.capacity, 'queues', (SELECT array_agg(q.name ORDER BY q.name)
                  FROM handoff.queue_member AS m JOIN handoff.queue AS q USING (workspace_id, queue_id)
                 WHERE m.workspace_id = p.workspace_id AND m.operator_id = p.person_id))
  FROM core.person AS p
  LEFT JOIN handoff.operator_state AS s ON s.workspace_id = p.workspace_id AND s.operator_id = p.person_id
 WHERE p.workspace_id = :workspace;
