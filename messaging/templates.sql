-- name: put_template
-- A template as it is wanted; one that a provider stopped stays stopped unless its text changed.
INSERT INTO messaging.template AS t
       (workspace_id, template_id, account_id, name, language, category, body, footer, parameters, buttons, ttl_s)
VALUES (:workspace, :template_id, :account_id, :name, :language, :category, :body, :footer,
        :parameters, :buttons, :ttl_s)
    ON CONFLICT (workspace_id, account_id, name, language) DO UPDATE
   SET category = excluded.category, body = excluded.body, footer = excluded.footer,
       parameters = excluded.parameters, buttons = excluded.buttons, ttl_s = excluded.ttl_s,
       state = CASE WHEN t.body = excluded.body AND t.category = excluded.category
                    THEN t.state ELSE 'approved' END
RETURNING template_id;

-- name: template -> messaging.templates:Template
-- One template of an account, in one language.
SELECT template_id, account_id, name, language, category, body, footer, parameters, buttons, ttl_s, state
  FROM messaging.template
 WHERE workspace_id = :workspace AND account_id = :account_id AND name = :name AND language = :language;

-- name: templates -> messaging.templates:Template
-- Every template of an account.
SELECT template_id, account_id, name, language, category, body, footer, parameters, buttons, ttl_s, state
  FROM messaging.template
 WHERE workspace_id = :workspace AND account_id = :account_id ORDER BY name, language;

-- name: stop_template_of
-- The provider refused a message because of its template: nobody else is to run into that.
UPDATE messaging.template AS t
   SET state = :state, state_code = :code, state_at = clock_timestamp()
  FROM messaging.message AS m
 WHERE m.workspace_id = :workspace AND m.message_id = :message_id
   AND t.workspace_id = m.workspace_id AND t.account_id = m.account_id
   AND t.name = m.content #>> '{template,name}' AND t.language = m.content #>> '{template,language}'
   AND t.state = 'approved'
RETURNING t.name, t.language;
