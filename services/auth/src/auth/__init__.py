"""The auth service: accounts and sessions."""
