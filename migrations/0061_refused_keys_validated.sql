-- no-transaction
-- What 0060 began to check for new rows holds for the old ones, too.

ALTER TABLE ivr_bridge.alert VALIDATE CONSTRAINT alert_kind_is_a_word;
