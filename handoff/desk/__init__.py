"""The operators' desk: what it shows, what it asks for, and the live feed that keeps it true."""
