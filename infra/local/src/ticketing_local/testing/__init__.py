"""Test support: servers that tests start, kill and stop."""
