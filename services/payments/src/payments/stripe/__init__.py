"""Stripe: its client, its objects and the operations that payments needs."""
