-- What a decision before an offer looked at, so that another policy can decide again (`policy replay`),
-- and what the line's candidate made of the same circumstances (ivr_bridge/shadow.py). No number stands
-- in them: the call has it.

ALTER TABLE ivr_bridge.eligibility
    ADD COLUMN seen jsonb,
    -- The candidate as it stood then, and what it would have answered; `ok` means an offer.
    ADD COLUMN shadow_policy text CHECK (shadow_policy ~ '^[0-9a-f]{16}$'),
    ADD COLUMN shadow_reason text,
    ADD COLUMN shadow_trace jsonb,
    ADD CONSTRAINT eligibility_shadow_whole CHECK (
        (shadow_policy IS NULL) = (shadow_reason IS NULL)
        AND (shadow_policy IS NULL) = (shadow_trace IS NULL)) NOT VALID;
