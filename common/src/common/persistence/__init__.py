"""MongoDB: aggregates with their outbox, replicas, leases and the audit log."""
