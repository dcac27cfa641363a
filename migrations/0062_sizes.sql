-- What has doubled is counted at once, and by whoever notices: the service owns no table, and only an
-- owner may count one. Autovacuum looks once a minute; a new database is full of calls by then, and is
-- still read by plans that were made while every table was empty (decision 77).

CREATE FUNCTION core.count_what_grew() RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grown regclass;
BEGIN
    -- One process at a time; the others have nothing to wait for.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('core.count_what_grew', 0)) THEN
        RETURN;
    END IF;
    -- Below a few pages every plan is a good one, and an empty table that was counted is believed to stay
    -- empty. What is large takes longer than a minute to double, and a second or more to count.
    FOR grown IN
        SELECT c.oid FROM pg_class AS c
         WHERE c.relkind = 'r'
           AND c.relnamespace IN ('core'::regnamespace, 'messaging'::regnamespace,
                                  'handoff'::regnamespace, 'ivr_bridge'::regnamespace)
           AND pg_relation_size(c.oid) / current_setting('block_size')::integer
               BETWEEN 2 * GREATEST(c.relpages, 4) AND 16384
         ORDER BY c.oid
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
        RETURN NEXT grown::text;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION core.count_what_grew() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.count_what_grew() TO ivr_bridge_dispatcher;
