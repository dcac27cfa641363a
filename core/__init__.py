"""The floor of the house: identities, faults, time, PostgreSQL, durable jobs, HTTP. Knows no room above it."""
