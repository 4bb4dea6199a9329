"""What can be set, and what a test may want shorter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The server's surroundings and its patience."""

    public: str = "http://127.0.0.1:12111"
    hooks: tuple[tuple[str, str], ...] = ()  # (URL, signing secret)
    hook_events: tuple[str, ...] = ("*",)
    refund_seconds: float = 1.0  # until a pending refund succeeds, or a failing one fails
    retry_first_seconds: float = 0.5  # doubled with every failed delivery ...
    retry_longest_seconds: float = 30.0  # ... up to this
    retry_attempts: int = 40  # some 20 minutes; the real one gives up after three days
    delivery_timeout_seconds: float = 10.0
    delivery_parallel: int = 16
    keys_kept_seconds: float = 86_400  # the real one keeps idempotency keys a day
    deliveries_kept_seconds: float = 3_600
