-- name: count_users
-- How many people each account with a limit wrote to in the last 24 hours, from the openings themselves;
-- counted seldom while there is room, because there are many.
WITH limited AS (
    SELECT a.account_id, (a.settings ->> 'users_per_day')::integer AS allowed
      FROM messaging.account AS a
      LEFT JOIN ivr_bridge.account_pace AS p ON p.workspace_id = a.workspace_id AND p.account_id = a.account_id
     WHERE a.workspace_id = :workspace AND a.settings ->> 'users_per_day' IS NOT NULL
       AND (p.users_counted_at IS NULL OR p.users_counted_at < clock_timestamp() - interval '30 seconds'
            OR p.users_today > (a.settings ->> 'users_per_day')::integer / 2)
), counted AS (
    SELECT l.account_id, (
               SELECT count(DISTINCT d.contact_id) FROM ivr_bridge.deflection AS d
                WHERE d.workspace_id = :workspace AND d.created_at > clock_timestamp() - interval '24 hours'
                  AND d.message_id IS NOT NULL AND d.account_id = l.account_id AND NOT d.resumed) AS users
      FROM limited AS l
)
INSERT INTO ivr_bridge.account_pace (workspace_id, account_id, samples, users_today, users_counted_at)
SELECT :workspace, account_id, 0, users, clock_timestamp() FROM counted
    ON CONFLICT (workspace_id, account_id) DO UPDATE
   SET users_today = excluded.users_today, users_counted_at = excluded.users_counted_at;

-- name: learn_refusals
-- Templates that the provider refused more often than not among an account's latest openings. What is not
-- offered is not sent, so after half an hour it is tried again.
WITH recent AS (
    SELECT account_id, failed_class,
           (content -> 'template' ->> 'name') || '/' || (content -> 'template' ->> 'language') AS template
      FROM messaging.message
     WHERE workspace_id = :workspace AND message_id > :since AND purpose = 'opening' AND type = 'template'
     ORDER BY message_id DESC LIMIT 500
), refused AS (
    SELECT account_id, template FROM recent
     GROUP BY account_id, template
    HAVING count(*) FILTER (WHERE failed_class IN ('template', 'our_request')) >= 5
       AND count(*) FILTER (WHERE failed_class IN ('template', 'our_request')) * 2 > count(*)
), now_refused AS (
    SELECT p.account_id, ARRAY(SELECT r.template FROM refused AS r WHERE r.account_id = p.account_id
                                ORDER BY r.template) AS templates
      FROM ivr_bridge.account_pace AS p WHERE p.workspace_id = :workspace
)
UPDATE ivr_bridge.account_pace AS p SET refused_templates = n.templates
  FROM now_refused AS n
 WHERE p.workspace_id = :workspace AND p.account_id = n.account_id AND p.refused_templates <> n.templates;

-- name: watched -> ivr_bridge.guard.watch:Watched
-- Lines that were busy lately and are not paused, with their terms, and since when they are counted: what
-- was sent before a pause that they gave themselves was judged already.
SELECT l.line_id, l.name, COALESCE(l.terms -> 'watch', '{}') AS terms,
       COALESCE((SELECT max(COALESCE(p.lifted_at, p.until_at)) FROM ivr_bridge.pause AS p
                  WHERE p.workspace_id = l.workspace_id AND p.kind = 'line' AND p.subject = l.name
                    AND p.paused_by = 'watch'), '-infinity') AS since
  FROM ivr_bridge.line AS l
 WHERE l.workspace_id = :workspace AND l.enabled
   AND EXISTS (SELECT FROM ivr_bridge.deflection AS d
                WHERE d.workspace_id = l.workspace_id AND d.line_id = l.line_id AND d.message_id IS NOT NULL
                  AND d.created_at > clock_timestamp() - interval '24 hours')
   AND NOT EXISTS (SELECT FROM ivr_bridge.pause AS p
                    WHERE p.workspace_id = l.workspace_id AND p.kind = 'line' AND p.subject = l.name
                      AND p.lifted_at IS NULL AND (p.until_at IS NULL OR p.until_at > clock_timestamp()));

-- name: line_health -> ivr_bridge.guard.watch:Health
-- How a line's latest openings were taken. A reply needs time, so openings are counted for it when the
-- time is over; a complaint counts at once, and a number that is not on the channel as soon as it is known.
WITH opened AS MATERIALIZED (
    SELECT d.deflection_id, d.message_id, d.created_at, m.status, m.failed_class
      FROM ivr_bridge.deflection AS d
      JOIN messaging.message AS m ON m.workspace_id = d.workspace_id AND m.message_id = d.message_id
     WHERE d.workspace_id = :workspace AND d.line_id = :line AND d.message_id IS NOT NULL
       AND d.created_at > :since::timestamptz
     ORDER BY d.created_at DESC LIMIT GREATEST(:complaints_of::integer, :unreachable_of::integer) * 2
), answered AS (
    SELECT EXISTS (SELECT FROM ivr_bridge.fact AS f
                    WHERE f.workspace_id = :workspace AND f.deflection_id = d.deflection_id
                      AND f.fact = 'engaged') AS yes
      FROM ivr_bridge.deflection AS d
      JOIN messaging.message AS m ON m.workspace_id = d.workspace_id AND m.message_id = d.message_id
     WHERE d.workspace_id = :workspace AND d.line_id = :line AND d.message_id IS NOT NULL
       AND d.created_at > GREATEST(:since::timestamptz, clock_timestamp() - interval '7 days')
       AND d.created_at < clock_timestamp() - make_interval(secs => :within_s)
       AND m.status IN ('delivered', 'read')
     ORDER BY d.created_at DESC LIMIT :replies_of
), complained AS (
    SELECT EXISTS (SELECT FROM ivr_bridge.fact AS f
                    WHERE f.workspace_id = :workspace AND f.deflection_id = o.deflection_id
                      AND f.fact = 'not_me') AS yes
      FROM opened AS o WHERE o.status IN ('delivered', 'read')
     ORDER BY o.created_at DESC LIMIT :complaints_of
), missed AS (
    SELECT COALESCE(failed_class IN ('not_on_channel', 'recipient'), false)
           AND status NOT IN ('delivered', 'read') AS yes
      FROM opened WHERE failed_class IS NOT NULL OR status IN ('sent', 'delivered', 'read')
     ORDER BY created_at DESC LIMIT :unreachable_of
)
SELECT (SELECT count(*) FROM answered)::integer AS replies_of,
       (SELECT count(*) FILTER (WHERE yes) FROM answered)::integer AS replies,
       (SELECT count(*) FROM complained)::integer AS complaints_of,
       (SELECT count(*) FILTER (WHERE yes) FROM complained)::integer AS complaints,
       (SELECT count(*) FROM missed)::integer AS unreachable_of,
       (SELECT count(*) FILTER (WHERE yes) FROM missed)::integer AS unreachable;

-- name: refusals -> ivr_bridge.guard.alerts:Refusals
-- What was refused in the last minute for the reasons that a person should know of, by line.
SELECT l.name AS line, r.reason, sum(r.times)::integer AS times
  FROM (SELECT d.line_id, d.reason, count(*) AS times
          FROM ivr_bridge.deflection AS d
         WHERE d.workspace_id = :workspace AND d.created_at > clock_timestamp() - interval '60 seconds'
           AND d.reason = ANY (:reasons::text[])
         GROUP BY d.line_id, d.reason
        UNION ALL
        SELECT c.line_id, e.reason, count(*)
          FROM ivr_bridge.eligibility AS e
          JOIN ivr_bridge.call AS c ON c.workspace_id = e.workspace_id AND c.call_ref = e.call_ref
         WHERE e.workspace_id = :workspace AND e.eligibility_id > :since AND e.reason = ANY (:reasons::text[])
         GROUP BY c.line_id, e.reason) AS r
  JOIN ivr_bridge.line AS l ON l.workspace_id = :workspace AND l.line_id = r.line_id
 GROUP BY l.name, r.reason;

-- name: troubles -> ivr_bridge.guard.alerts:Trouble
-- What stands in the way of accounts, templates and lines at this moment, whether or not anybody calls,
-- and keys that were refused again and again in this minute or the last.
SELECT 'channel_silent' AS kind, a.name AS subject, '{}'::jsonb AS facts
  FROM ivr_bridge.account_pace AS p
  JOIN messaging.account AS a ON a.workspace_id = p.workspace_id AND a.account_id = p.account_id
 WHERE p.workspace_id = :workspace AND p.silent_until > clock_timestamp()
UNION ALL
SELECT 'channel_stopped', a.name, jsonb_build_object('code', a.stopped_code)
  FROM messaging.account AS a WHERE a.workspace_id = :workspace AND a.stopped_until > clock_timestamp()
UNION ALL
SELECT 'channel_quota', a.name, jsonb_build_object('users', p.users_today, 'of', a.settings -> 'users_per_day')
  FROM ivr_bridge.account_pace AS p
  JOIN messaging.account AS a ON a.workspace_id = p.workspace_id AND a.account_id = p.account_id
 WHERE p.workspace_id = :workspace AND p.users_today >= 0.9 * (a.settings ->> 'users_per_day')::integer
UNION ALL
SELECT 'template_blocked', a.name || '/' || t.name || '/' || t.language,
       jsonb_build_object('state', t.state, 'code', t.state_code)
  FROM messaging.template AS t
  JOIN messaging.account AS a ON a.workspace_id = t.workspace_id AND a.account_id = t.account_id
 WHERE t.workspace_id = :workspace AND t.state <> 'approved'
UNION ALL
SELECT 'template_blocked', a.name || '/' || refused.template, jsonb_build_object('state', 'refused')
  FROM ivr_bridge.account_pace AS p
  JOIN messaging.account AS a ON a.workspace_id = p.workspace_id AND a.account_id = p.account_id
 CROSS JOIN unnest(p.refused_templates) AS refused (template)
 WHERE p.workspace_id = :workspace
UNION ALL
SELECT 'line_paused', p.subject, jsonb_build_object('why', p.why, 'until', p.until_at)
  FROM ivr_bridge.pause AS p
 WHERE p.workspace_id = :workspace AND p.paused_by = 'watch' AND p.lifted_at IS NULL
   AND (p.until_at IS NULL OR p.until_at > clock_timestamp())
UNION ALL
SELECT 'key_refused', r.subject, jsonb_object_agg(r.why, r.times)
  FROM (SELECT subject, why, sum(times)::integer AS times FROM core.refused_key
         WHERE workspace_id = :workspace AND minute > clock_timestamp() - interval '2 minutes'
         GROUP BY subject, why) AS r
 GROUP BY r.subject HAVING sum(r.times) >= :refused_keys::integer;

-- name: raise_alerts -> ivr_bridge.guard.alerts:Raised
-- Alerts that stand now: those that are open stay so, the others are opened.
INSERT INTO ivr_bridge.alert AS a (workspace_id, alert_id, kind, subject, facts)
SELECT :workspace, n.alert_id, n.kind, n.subject, n.facts
  FROM unnest(:alerts::uuid[], :kinds::text[], :subjects::text[], :facts::jsonb[])
       AS n (alert_id, kind, subject, facts)
 ORDER BY n.kind, n.subject
    ON CONFLICT (workspace_id, kind, subject) WHERE closed_at IS NULL
    DO UPDATE SET seen_at = clock_timestamp(), facts = a.facts || excluded.facts
RETURNING alert_id, kind, subject, facts, opened_at, alert_id = ANY (:alerts::uuid[]) AS fresh;

-- name: close_alerts
-- What has not been seen for two minutes is over.
UPDATE ivr_bridge.alert SET closed_at = clock_timestamp()
 WHERE workspace_id = :workspace AND closed_at IS NULL AND seen_at < clock_timestamp() - interval '2 minutes'
RETURNING alert_id, kind, subject;

-- name: alerts -> ivr_bridge.guard.alerts:Alert
-- Alerts, the latest first; the closed ones of the last days too when they are asked for.
SELECT alert_id, kind, subject, facts, opened_at, closed_at
  FROM ivr_bridge.alert
 WHERE workspace_id = :workspace
   AND (closed_at IS NULL OR (:also_closed::boolean AND closed_at > clock_timestamp() - interval '14 days'))
 ORDER BY opened_at DESC, alert_id;

-- name: open_alerts
-- How many are open, by kind.
SELECT kind, count(*)::integer AS open FROM ivr_bridge.alert
 WHERE workspace_id = :workspace AND closed_at IS NULL GROUP BY kind;
