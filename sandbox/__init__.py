"""A pretend messenger network, its judge, and a customer's phone; imports no room of the product."""
