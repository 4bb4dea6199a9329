"""The stack: its programs, ports, paths and readiness checks."""
