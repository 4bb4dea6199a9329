"""Orders and copies of tickets in MongoDB."""
