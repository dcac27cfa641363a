-- no-transaction
-- What 0039 began to check for new rows holds for the old ones, too. Each statement on its own reads
-- its table while calls go on.

ALTER TABLE ivr_bridge.rescue VALIDATE CONSTRAINT rescue_kind_check;
ALTER TABLE ivr_bridge.rescue VALIDATE CONSTRAINT rescue_sms_has_message;
ALTER TABLE ivr_bridge.rescue VALIDATE CONSTRAINT rescue_falls_to_callback;
ALTER TABLE ivr_bridge.fact VALIDATE CONSTRAINT fact_is_a_word;
ALTER TABLE ivr_bridge.deflection VALIDATE CONSTRAINT deflection_first_is_another;
