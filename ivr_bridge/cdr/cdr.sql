-- name: lines_of_calls -> ivr_bridge.cdr.taking:OnLine
-- Where calls with these ids were, from requests, events or earlier records: by whole keys, line by line.
SELECT c.call_id, c.line_id
  FROM ivr_bridge.call AS c
 WHERE c.workspace_id = :workspace AND c.line_id = ANY (:lines::uuid[])
   AND c.call_id = ANY (:call_ids::text[]);
