"""Metrics of charges and payouts."""

from typing import Final

from prometheus_client import Counter

from common.events import ChargeStatus, PayoutState
from payments.domain.charge import Charge

CHARGE_TRANSITIONS: Final = Counter(
    "payment_charge_transitions_total", "Charge transitions, by resulting status", ["status"]
)
STRIPE_REFUSALS: Final = Counter(
    "payment_stripe_refusals_total", "Calls that Stripe refused permanently, by status", ["status"]
)
PAYOUT_TRANSITIONS: Final = Counter(
    "payment_payout_transitions_total", "Changes of charges with a payout, by its state", ["state"]
)
PAYOUT_REFUSALS: Final = Counter(
    "payment_payout_refusals_total",
    "Transfers and reversals that Stripe refused, by what has to change",
    ["kind"],
)
for _state in PayoutState:
    PAYOUT_TRANSITIONS.labels(_state.value)
for _kind in ("balance", "account", "recall"):
    PAYOUT_REFUSALS.labels(_kind)
for _refusal in ("400", "401", "403", "404"):  # start at 0, so that Prometheus sees the first one
    STRIPE_REFUSALS.labels(_refusal)
for _status in ChargeStatus:  # Prometheus needs the 0 to see the first failed refund
    CHARGE_TRANSITIONS.labels(_status.value)


def count_transition(charge: Charge) -> None:
    """Count a charge that was just stored, under its status."""
    CHARGE_TRANSITIONS.labels(charge.status.value).inc()
    if charge.payout is not None:
        PAYOUT_TRANSITIONS.labels(charge.payout.state.value).inc()
