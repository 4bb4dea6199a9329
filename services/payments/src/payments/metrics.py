"""Metrics of charges and payouts."""

from typing import Final

from prometheus_client import Counter, Gauge

from common.events import ChargeStatus, PayoutState
from payments.domain.charge import Charge
from payments.domain.ledger import Reconciliation

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
RECONCILED_AT: Final = Gauge(
    "payment_reconciliation_timestamp_seconds",
    "When the last reconciliation with Stripe began; before the first one, when payments started",
)
DIFFERENCES: Final = Gauge(
    "payment_reconciliation_differences", "Amounts that differed from Stripe in the last one"
)
BALANCE: Final = Gauge("payment_balance_cents", "What the platform had at Stripe, in cents")
HELD: Final = Gauge("payment_held_cents", "What the platform held for sellers, in cents")
OWED: Final = Gauge("payment_owed_cents", "What sellers owed the platform, in cents")
SHARED_CARDS: Final = Counter(
    "payment_shared_cards_total", "Payouts due for a sale whose buyer and seller use the same card"
)
EVIDENCE: Final = Counter(
    "payment_dispute_evidence_total",
    "Disputes whose evidence Stripe took or refused, by outcome",
    ["outcome"],
)
for _outcome in ("submitted", "refused"):
    EVIDENCE.labels(_outcome)
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


def export_reconciliation(result: Reconciliation) -> None:
    """Set the gauges to the result of the last reconciliation."""
    RECONCILED_AT.set(result.at.timestamp())
    DIFFERENCES.set(result.differences)
    BALANCE.set(result.balance)
    HELD.set(result.held)
    OWED.set(result.owed)
