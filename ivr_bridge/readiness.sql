-- name: recent_calls
-- How many calls a line had lately; counted no further than matters.
SELECT count(*)::integer FROM (
    SELECT FROM ivr_bridge.call
     WHERE workspace_id = :workspace AND line_id = :line
       AND first_seen_at > clock_timestamp() - make_interval(mins => :within_min)
     LIMIT :enough) AS recent;

-- name: pace -> ivr_bridge.readiness:PaceRow
-- How long an account's provider lately took, and until when it is thought to have fallen silent.
SELECT accepted_ms, sent_ms, delivered_ms,
       COALESCE(silent_until > clock_timestamp(), false) AS silent, users_today, refused_templates
  FROM ivr_bridge.account_pace WHERE workspace_id = :workspace AND account_id = :account;
