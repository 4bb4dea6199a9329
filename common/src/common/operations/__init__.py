"""Health checks, state metrics and the operator commands."""
