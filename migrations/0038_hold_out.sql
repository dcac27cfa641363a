-- The arm and the reason of every answer agree, those of before the rule included; looked at without
-- keeping anyone from writing.

ALTER TABLE ivr_bridge.eligibility VALIDATE CONSTRAINT eligibility_arm_and_reason;
