-- Looked at without keeping anyone from writing: no row of before says half of it.

ALTER TABLE ivr_bridge.eligibility VALIDATE CONSTRAINT eligibility_shadow_whole;
