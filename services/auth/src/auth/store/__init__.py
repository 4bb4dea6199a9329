"""Accounts, sessions and attempt counters in MongoDB."""
