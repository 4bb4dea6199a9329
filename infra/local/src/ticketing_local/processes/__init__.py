"""Processes: supervisord, orphans, locks, signals and log tails."""
