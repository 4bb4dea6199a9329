"""Stripe: its client, the objects it answers with, and the operations that payments needs."""
