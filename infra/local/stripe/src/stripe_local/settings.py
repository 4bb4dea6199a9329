"""Settings of the server; tests shorten the delays."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Addresses, delays and limits."""

    public_url: str = "http://127.0.0.1:12111"
    webhook_endpoints: tuple[tuple[str, str], ...] = ()  # (URL, signing secret)
    webhook_event_types: tuple[str, ...] = ("*",)
    has_control_api: bool = True  # the routes below /_local
    fee_basis_points: int = 290  # Stripe's fee for a charge ...
    fee_cents: int = 30  # ... and its fixed part
    dispute_fee_cents: int = 1_500
    balance_seconds: float = 172_800.0  # until the money of a charge is available
    dispute_seconds: float = 0.0  # until a test card disputes its charge, and the bank decides
    payout_seconds: float = 86_400.0  # from available money to its payout, and to its arrival
    account_link_seconds: float = 300.0
    refund_delay_seconds: float = 1.0  # until a pending refund succeeds, or a failing one fails
    initial_retry_seconds: float = 0.5  # doubled with every failed delivery ...
    max_retry_seconds: float = 30.0  # ... up to this
    max_attempts: int = 40  # some 20 minutes; the real one gives up after three days
    delivery_timeout_seconds: float = 10.0
    max_parallel_deliveries: int = 16
    idempotency_retention_seconds: float = 86_400  # the real one keeps idempotency keys a day
    delivery_retention_seconds: float = 3_600
