"""Metrics of orders."""

from typing import Final

from prometheus_client import Counter, Histogram

from common.events import CancelReason
from common.values.clock import Clock
from orders.domain.order import Order

RESERVATIONS: Final = Counter("orders_reservations_total", "Reservation attempts", ["outcome"])
EXPIRATION_LAG: Final = Histogram(
    "order_expiration_lag_seconds",
    "Delay between the expiry time of an order and its cancellation",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
EARLY_EXPIRATIONS: Final = Histogram(
    "order_expiration_early_seconds",
    "Time left of orders whose expiration event came too early by the clock of orders",
    buckets=(5, 10, 30, 60, 300, 3600),
)


def observe_expiration_lag(clock: Clock, order: Order) -> None:
    """Observe the lag of an order that was just stored, if it has expired."""
    if order.reason is CancelReason.EXPIRED and order.detail is None:
        EXPIRATION_LAG.observe((clock() - order.expires_at).total_seconds())
