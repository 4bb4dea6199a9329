"""Stripe Connect: connected accounts, their onboarding, and the money that they get."""
