"""Processes: supervisord, child processes, orphans, the instance lock and log tails."""
