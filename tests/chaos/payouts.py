"""The checks that sellers got what they are owed, once, and not before its time."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from chaos.snapshot import Doc, Snapshot

UNFINISHED: Final = frozenset({"sending", "recalling"})
CLOCK_TOLERANCE_SECONDS: Final = 1
"""Stripe's times are whole seconds."""


def payouts_settled(snapshot: Snapshot) -> Iterator[str]:
    """Check that the transfers of each order are what its payout says, and that none is open."""
    transfers: defaultdict[str, list[Doc]] = defaultdict(list)
    for transfer in snapshot.transfers:
        transfers[transfer["transfer_group"]].append(transfer)
    for charge in snapshot.documents["payments.charges"]:
        made = transfers.pop(str(charge["order_id"]), [])
        payout: Doc | None = charge.get("payout")
        if payout is None:
            if made:
                yield f"charge {charge['_id']} has no payout, but {len(made)} transfers"
            continue
        yield from _amounts(charge, payout, made)
        if payout["state"] in UNFINISHED:
            yield f"the payout of charge {charge['_id']} is still {payout['state']}"
        for transfer in made:
            created = datetime.fromtimestamp(transfer["created"] + CLOCK_TOLERANCE_SECONDS, UTC)
            if created < charge["release_at"]:
                yield f"the seller of charge {charge['_id']} was paid before its time"
    for order_id in transfers:
        yield f"order {order_id} has a transfer, but no charge"


def _amounts(charge: Doc, payout: Doc, made: list[Doc]) -> Iterator[str]:
    """Check that the fee and the net are the price, and that the seller has what was promised."""
    name = f"charge {charge['_id']}"
    if charge["fee"] + charge["net"] != charge["amount"]:
        yield f"{name} costs {charge['amount']}, but {charge['fee']} and {charge['net']} are shared"
    received = sum(transfer["amount"] - transfer["amount_reversed"] for transfer in made)
    expected = payout["amount"] - payout["reversed"] if payout["transfer_id"] else 0
    if received != expected:
        yield f"the seller of {name} has {received}, its payout says {expected}"
    if received > charge["net"]:
        yield f"the seller of {name} has {received} of {charge['net']}"
    if charge["status"] != "succeeded" and received and payout["state"] != "short":
        yield f"{name} is {charge['status']}, but its seller has {received}"
