"""Tickets in MongoDB, and the search of those that are available."""
