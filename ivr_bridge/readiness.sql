-- name: pace -> ivr_bridge.readiness:PaceRow
-- How long an account's provider lately took, and until when it is thought to have fallen silent.
SELECT accepted_ms, sent_ms, delivered_ms,
       COALESCE(silent_until > clock_timestamp(), false) AS silent
  FROM ivr_bridge.account_pace WHERE workspace_id = :workspace AND account_id = :account;
