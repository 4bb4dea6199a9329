"""The checks that no money moves while a bank decides."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from chaos.snapshot import Doc, Snapshot

NOTICED_WITHIN: Final = timedelta(seconds=15)
"""How long a process may be paused between its last look at the disputes and its decision."""


def frozen_while_disputed(snapshot: Snapshot) -> Iterator[str]:
    """Check that no payout was released, and no payment refunded, under an open dispute."""
    ends = _ends(snapshot)
    charges = snapshot.by_id("payments.charges")
    for event in snapshot.streams["payments"]:
        body: Doc = json.loads(event.data)
        charge = charges.get(body["id"])
        if charge is None or (body.get("payout") or {}).get("state") != "sending":
            continue
        for dispute in snapshot.disputes_by_charge.get(charge.get("stripe_charge_id") or "", []):
            if _is_open_at(dispute, ends, event.occurred_at):
                yield f"the payout of charge {charge['_id']} was released under a dispute"
    for refund in snapshot.refunds:
        created = datetime.fromtimestamp(refund.get("created", 0), UTC)
        for dispute in snapshot.disputes_by_charge.get(refund["charge"], []):
            if _is_open_at(dispute, ends, created):
                yield f"payment {refund['charge']} was refunded under a dispute"


def returned_at_most_once(snapshot: Snapshot) -> Iterator[str]:
    """Check that a buyer got no more back than was paid: from refunds and banks together."""
    for charge in snapshot.charges:
        refunds = snapshot.refunds_by_charge.get(charge["id"], [])
        disputes = snapshot.disputes_by_charge.get(charge["id"], [])
        refunded = sum(each["amount"] for each in refunds if each["status"] != "failed")
        lost = sum(dispute["amount"] for dispute in disputes if dispute["status"] == "lost")
        if refunded + lost > charge["amount"]:
            yield f"{refunded} and {lost} of {charge['amount']} were returned for {charge['id']}"


def _ends(snapshot: Snapshot) -> dict[str, datetime]:
    """Return when each dispute was decided."""
    return {
        event["data"]["object"]["id"]: datetime.fromtimestamp(event["created"], UTC)
        for event in snapshot.dispute_events
        if event["type"] == "charge.dispute.closed"
    }


def _is_open_at(dispute: Doc, ends: dict[str, datetime], at: datetime) -> bool:
    opened = datetime.fromtimestamp(dispute["created"], UTC)
    end = ends.get(dispute["id"])
    return opened + NOTICED_WITHIN < at and (end is None or at < end - timedelta(seconds=1))
