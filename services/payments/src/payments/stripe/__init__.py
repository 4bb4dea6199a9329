"""Stripe: its client, the parsing of its objects and the operations that payments needs."""
