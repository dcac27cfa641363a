"""A pretend SMS provider: a small HTTP API, signed delivery reports, and customers who answer."""
