"""The commands: start, stop, status, seed, demo, backup, admin and the trace viewer."""
