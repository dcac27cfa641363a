-- name: lines -> ivr_bridge.line:LineRow
-- Every line of the workspace with its numbers, first number first.
SELECT l.line_id, l.name, l.title,
       ARRAY(SELECT n.number FROM ivr_bridge.line_number AS n
              WHERE n.workspace_id = l.workspace_id AND n.line_id = l.line_id ORDER BY n.position) AS numbers,
       l.country, l.enabled, l.account, l.flow, l.queue, l.callback_queue, l.confirm, l.grace_ms,
       l.deadline_ms, l.rescue_after_s, l.repeat_call_s, l.declined_s, l.can_poll, l.continue_to,
       l.opening, l.prompts, l.goodbye, l.topics, l.consent, l.terms,
       l.managed_by, l.version,
       EXISTS (SELECT FROM core.webhook_endpoint AS e
                WHERE e.workspace_id = :workspace AND e.events @> ARRAY['deflection.delivered']) AS followed,
       w.title AS workspace_title, w.timezone, l.draw_key,
       EXISTS (SELECT FROM ivr_bridge.do_not_contact AS n
                WHERE n.workspace_id = l.workspace_id) AS unwanted_listed
  FROM ivr_bridge.line AS l JOIN core.workspace AS w ON w.workspace_id = l.workspace_id
 WHERE l.workspace_id = :workspace
 ORDER BY l.name;

-- name: put_line
-- Make a line or bring it up to date.
INSERT INTO ivr_bridge.line AS l
       (workspace_id, line_id, name, title, country, enabled, account, flow, queue, callback_queue,
        confirm, grace_ms, deadline_ms, rescue_after_s, repeat_call_s, declined_s, can_poll,
        continue_to, opening, prompts, goodbye, topics, consent, terms, managed_by)
VALUES (:workspace, :line, :name, :title, :country, :enabled, :account, :flow, :queue, :callback_queue,
        :confirm, :grace_ms, :deadline_ms, :rescue_after_s, :repeat_call_s, :declined_s, :can_poll,
        :continue_to, :opening, :prompts, :goodbye, :topics, :consent, :terms, :managed_by)
    ON CONFLICT (workspace_id, name) DO UPDATE
   SET title = excluded.title, country = excluded.country, enabled = excluded.enabled,
       account = excluded.account, flow = excluded.flow, queue = excluded.queue,
       callback_queue = excluded.callback_queue, confirm = excluded.confirm,
       grace_ms = excluded.grace_ms, deadline_ms = excluded.deadline_ms,
       rescue_after_s = excluded.rescue_after_s, repeat_call_s = excluded.repeat_call_s,
       declined_s = excluded.declined_s, can_poll = excluded.can_poll,
       continue_to = excluded.continue_to, opening = excluded.opening, prompts = excluded.prompts,
       goodbye = excluded.goodbye, topics = excluded.topics, consent = excluded.consent, terms = excluded.terms,
       managed_by = excluded.managed_by, version = l.version + 1,
       changed_at = now()
RETURNING line_id;

-- name: put_numbers
-- The numbers of a line, in this order; a number that another line has is taken from nobody.
INSERT INTO ivr_bridge.line_number (workspace_id, number, line_id, position)
SELECT :workspace, n.number, :line, n.position
  FROM unnest(:numbers::text[]) WITH ORDINALITY AS n (number, position)
    ON CONFLICT (workspace_id, number) DO UPDATE SET position = excluded.position
 WHERE line_number.line_id = excluded.line_id
RETURNING number;

-- name: drop_numbers
-- Numbers that the line has no longer.
DELETE FROM ivr_bridge.line_number
 WHERE workspace_id = :workspace AND line_id = :line AND number <> ALL (:numbers::text[]);

-- name: put_unwanted
-- Numbers and beginnings of numbers to which no call of this workspace is moved; others are forgotten.
WITH gone AS (
    DELETE FROM ivr_bridge.do_not_contact
     WHERE workspace_id = :workspace AND pattern <> ALL (:patterns::text[])
)
INSERT INTO ivr_bridge.do_not_contact (workspace_id, pattern)
SELECT :workspace, p.pattern FROM unnest(:patterns::text[]) AS p (pattern)
    ON CONFLICT DO NOTHING;
