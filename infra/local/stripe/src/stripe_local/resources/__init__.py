"""Stripe's resources and the operations on them."""
