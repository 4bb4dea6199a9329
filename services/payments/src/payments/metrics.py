"""Metrics of charges."""

from typing import Final

from prometheus_client import Counter

from common.events import ChargeStatus
from payments.domain.charge import Charge

CHARGE_TRANSITIONS: Final = Counter(
    "payment_charge_transitions_total", "Charge transitions, by resulting status", ["status"]
)
for _status in ChargeStatus:  # Prometheus needs the 0 to see the first failed refund
    CHARGE_TRANSITIONS.labels(_status.value)


def count_transition(charge: Charge) -> None:
    """Count a charge that was just stored, under its status."""
    CHARGE_TRANSITIONS.labels(charge.status.value).inc()
