"""The parameters and the results of a run, and the summary that it prints."""

from dataclasses import dataclass
from datetime import timedelta

import click

from chaos.client_log import ClientLog
from chaos.sales import SHOW_CANCELLED
from chaos.snapshot import Doc, Snapshot
from chaos.vault import reveals_of
from orders.domain.refund import REFUND_AGREED


@dataclass(frozen=True)
class Plan:
    """The parameters of a run."""

    seed: int
    seconds: float
    rate: float
    users: int
    rounds: int
    disabled: str | None
    max_recovery_seconds: float
    max_lateness: timedelta


@dataclass
class Outcome:
    """The results of a run."""

    violations: list[str]
    recovery: float
    rate: float
    """Responses per second during the kills, including the wait for recovery."""
    rate_after_recovery: float
    """Responses per second from recovery until the users stopped."""
    client_log: ClientLog
    action_counts: dict[str, int]
    bank_counts: dict[str, int]
    snapshot: Snapshot | None = None


def _count_payouts(snapshot: Snapshot, state: str) -> int:
    payouts: list[Doc] = [
        charge["payout"] for charge in snapshot.documents["payments.charges"] if charge["payout"]
    ]
    return sum(payout["state"] == state for payout in payouts)


def print_summary(plan: Plan, outcome: Outcome) -> None:
    """Print the counts and violations."""
    snapshot, client_log = outcome.snapshot, outcome.client_log
    if snapshot is None:
        return
    orders = snapshot.documents["orders.orders"]
    tickets = snapshot.documents["tickets.tickets"]
    counts = {
        "users": len(snapshot.documents["auth.accounts"]),
        "tickets": len(tickets),
        "orders": len(orders),
        "complete": sum(order["status"] == "complete" for order in orders),
        "expired": sum(order["reason"] == "expired" for order in orders),
        "withdrawn": sum(t["status"] == "withdrawn" for t in tickets),
        "ended with their show": sum(order.get("detail") == SHOW_CANCELLED for order in orders),
        "agreed refunds": sum(order.get("detail") == REFUND_AGREED for order in orders),
        "originals": len(snapshot.documents["tickets.vault"]),
        "reveals": sum(len(reveals_of(e)) for e in snapshot.documents["tickets.vault"]),
        "readings": len(client_log.readings),
        "listed again": len(client_log.listed_again),
        "matches": sum(len(e["matches"]) for e in snapshot.documents["tickets.vault"]),
        "payments": sum(bool(charge["paid"]) for charge in snapshot.charges),
        "declines": sum(charge["status"] == "failed" for charge in snapshot.charges),
        "refunds": len(snapshot.refunds),
        "sellers": client_log.onboarded.total(),
        "payouts": len(snapshot.transfers),
        "recalls": sum(transfer["amount_reversed"] > 0 for transfer in snapshot.transfers),
        "short": _count_payouts(snapshot, "short"),
        "frozen": _count_payouts(snapshot, "frozen"),
        "disputes": len(snapshot.disputes),
        "sessions ended": len(client_log.ended_sessions),
        "events": sum(len(events) for events in snapshot.streams.values()),
        "kills": sum(n for what, n in outcome.action_counts.items() if what.startswith("killed")),
        "pauses": sum(n for what, n in outcome.action_counts.items() if what.startswith("paused")),
        "faults at Stripe": sum(
            n for what, n in outcome.action_counts.items() if what.startswith("Stripe")
        ),
        "duplicates absorbed": sum(snapshot.duplicates.values()),
    }
    click.echo(
        f"seed {plan.seed}: " + ", ".join(f"{count} {what}" for what, count in counts.items())
    )
    click.echo(f"  injected faults: {dict(sorted(outcome.action_counts.items()))}")
    click.echo(f"  Stripe and banks: {dict(sorted(outcome.bank_counts.items()))}")
    click.echo(f"  sellers: {dict(sorted(client_log.onboarded.items()))}")
    click.echo(
        f"  responses: {dict(sorted(client_log.status_counts.items()))}, "
        f"{outcome.rate:.0f} per second"
    )
    click.echo(f"  duplicates: {dict(snapshot.duplicates)}")
    click.echo(
        f"  recovered in {outcome.recovery:.1f} s, "
        f"then {outcome.rate_after_recovery:.0f} requests per second"
    )
    for violation in outcome.violations[:50]:
        click.echo(f"  VIOLATION {violation}")
    click.echo(f"{len(outcome.violations)} violations (seed {plan.seed})")
