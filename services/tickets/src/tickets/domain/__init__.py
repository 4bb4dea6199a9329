"""The rules of tickets and shows, as pure functions."""
