"""NATS JetStream: publishing, consumers and dead letters."""
