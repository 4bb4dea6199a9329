"""The rules of accounts, sessions and letters, as pure functions."""
