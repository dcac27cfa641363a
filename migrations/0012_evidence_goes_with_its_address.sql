-- What is known about an address is forgotten with the address, and so with its contact.

ALTER TABLE messaging.reachability DROP CONSTRAINT reachability_workspace_id_address_id_fkey;
ALTER TABLE messaging.reachability
    ADD CONSTRAINT reachability_of_address FOREIGN KEY (workspace_id, address_id)
        REFERENCES messaging.address ON DELETE CASCADE NOT VALID;
