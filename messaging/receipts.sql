-- name: to_mark -> messaging.receipts:ToMark
-- A customer's message that is to be shown as read, as its provider knows it.
SELECT account_id, provider_id FROM messaging.message
 WHERE workspace_id = :workspace AND message_id = :message_id AND direction = 'in';
