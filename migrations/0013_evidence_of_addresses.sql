-- Looked at without keeping anyone from writing.

ALTER TABLE messaging.reachability VALIDATE CONSTRAINT reachability_of_address;
