"""The HTTP edge: API keys, parameters, idempotency and the control API."""
