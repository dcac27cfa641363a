-- name: count_what_grew
-- The tables that have doubled since they were last counted, counted; every plan that reads them is made
-- anew, on all connections.
SELECT name FROM core.count_what_grew() AS grown (name);
