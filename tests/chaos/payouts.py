"""The checks that sellers got what they are owed: once, to the cent, and not before its time.

What is due follows from Stripe's own refunds and disputes, not from the copies in the charges.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chaos.client_log import AccountChange, ClientLog
from chaos.early_release import earliest_release
from chaos.snapshot import OPEN_DISPUTES, Doc, Snapshot
from payments.domain.payout import fee_of

UNFINISHED: Final = frozenset({"sending", "recalling"})
PAID: Final = frozenset({"sent", "recalled"})
CLOCK_TOLERANCE: Final = timedelta(seconds=1)
"""Stripe's times are whole seconds."""
FEES_BASIS_POINTS: Final = (500, 1_000)
"""The fee at the start of a run, and the one at its end."""


def payouts_settled(snapshot: Snapshot) -> Iterator[str]:
    """Check that the transfers of each order are what its payout says, and that none is open."""
    transfers = dict(snapshot.transfers_by_order)
    orders = snapshot.by_id("orders.orders")
    for charge in snapshot.documents["payments.charges"]:
        order_id = str(charge["order_id"])
        made = transfers.pop(order_id, [])
        payout: Doc | None = charge.get("payout")
        if payout is None:
            if made:
                yield f"charge {charge['_id']} has no payout, but {len(made)} transfers"
            continue
        yield from _amounts(charge, payout, made)
        yield from _is_due(snapshot, charge, payout, made)
        if payout["state"] in UNFINISHED:
            yield f"the payout of charge {charge['_id']} is still {payout['state']}"
        for transfer in made:
            created = datetime.fromtimestamp(transfer["created"], UTC)
            if created + CLOCK_TOLERANCE < charge["release_at"]:
                yield f"the seller of charge {charge['_id']} was paid before its time"
            order = orders.get(order_id)
            if order is not None and created + CLOCK_TOLERANCE < earliest_release(order):
                yield f"the seller of charge {charge['_id']} was paid before its order allows"
    for order_id in transfers:
        yield f"order {order_id} has a transfer, but no charge"


def _amounts(charge: Doc, payout: Doc, made: list[Doc]) -> Iterator[str]:
    """Check that the seller has what the payout says, from one transfer in each round."""
    name = f"charge {charge['_id']}"
    received = sum(map(kept, made))
    expected = payout["amount"] - payout["reversed"] if payout["transfer_id"] else 0
    if received != expected:
        yield f"the seller of {name} has {received}, its payout says {expected}"
    if received > charge["net"]:
        yield f"the seller of {name} has {received} of {charge['net']}"
    rounds = [transfer["metadata"].get("round") for transfer in made]
    if len(rounds) != len(set(rounds)):
        yield f"{name} has several transfers in a round: {sorted(map(str, rounds))}"


def _is_due(snapshot: Snapshot, charge: Doc, payout: Doc, made: list[Doc]) -> Iterator[str]:
    """Check that the seller has all of what is due and no more, or owes the rest."""
    name = f"charge {charge['_id']}"
    received, payable = sum(map(kept, made)), payable_at_stripe(snapshot, charge)
    due = max(payable - payout.get("withheld", 0), 0)
    match payout["state"]:
        case "sent" | "recalled" if received != due:
            yield f"the seller of {name} has {received}, due are {due}"
        case "held" | "frozen" | "sending" if received:
            yield f"the payout of {name} waits, but its seller has {received}"
        case "void" if received or payable:
            yield f"the payout of {name} is void, its seller has {received}, due are {payable}"
        case "short":
            seller = snapshot.by_id("payments.sellers").get(charge["seller_id"], {})
            owed = seller.get("debts", {}).get(f"{charge['_id']}:{payout.get('round', 1)}", 0)
            if received - due != owed:
                yield f"the seller of {name} has {received - due} too much and owes {owed}"
        case _:
            pass


def fees_fixed(snapshot: Snapshot) -> Iterator[str]:
    """Check that fee and net are the price, as they were when the order was paid."""
    charges = snapshot.by_id("payments.charges")
    for charge_id, charge in charges.items():
        if charge.get("payout") is None:
            continue
        fee, net, amount = charge["fee"], charge["net"], charge["amount"]
        if fee + net != amount:
            yield f"charge {charge_id} costs {amount}, but {fee} and {net} are shared"
        if fee not in {fee_of(amount, basis_points) for basis_points in FEES_BASIS_POINTS}:
            yield f"charge {charge_id} of {amount} has the fee {fee}"
    for event in snapshot.streams["payments"]:
        body: Doc = json.loads(event.data)
        charge = charges.get(body["id"])
        if charge is None or body.get("net") is None:
            continue
        if body["net"] != charge["net"]:
            yield f"the net of charge {charge['_id']} changed from {body['net']}"


def paid_to_their_sellers(snapshot: Snapshot) -> Iterator[str]:
    """Check that each transfer went to an account of the one who sold the ticket."""
    owners = {account["id"]: account["metadata"].get("userId") for account in snapshot.accounts}
    sellers = {
        str(charge["order_id"]): charge.get("seller_id")
        for charge in snapshot.documents["payments.charges"]
    }
    for transfer in snapshot.transfers:
        owner = owners.get(transfer["destination"])
        if owner != sellers.get(transfer["transfer_group"]):
            yield f"transfer {transfer['id']} went to an account of {owner}"


def paid_to_active_accounts(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    """Check that no transfer went to an account that Stripe had restricted, rejected or closed."""
    for transfer in snapshot.transfers:
        created = datetime.fromtimestamp(transfer["created"], UTC)
        changes = client_log.account_changes.get(transfer["destination"], [])
        states = {change.state for change in _possible(changes, created)}
        if states and "active" not in states:
            yield f"transfer {transfer['id']} went to an account that was {sorted(states)}"


def _possible(changes: list[AccountChange], at: datetime) -> Iterator[AccountChange]:
    """Yield the changes of an account of which one may have been the last at a time."""
    for change in reversed(changes):
        if change.began_at <= at + CLOCK_TOLERANCE:
            yield change
            if change.ended_at is not None and change.ended_at < at:
                return


def kept(transfer: Doc) -> int:
    """Return what of a transfer did not come back."""
    return transfer["amount"] - transfer["amount_reversed"]


def payable_at_stripe(snapshot: Snapshot, charge: Doc) -> int:
    """Return what the seller of a charge may have, as Stripe's refunds and disputes say.

    Several disputes of a charge count when all are decided.
    """
    charge_id: Any = charge.get("stripe_charge_id")
    refunds = snapshot.refunds_by_charge.get(charge_id, [])
    if charge["status"] != "succeeded" or any(each["status"] != "failed" for each in refunds):
        return 0
    disputes = snapshot.disputes_by_charge.get(charge_id, [])
    if any(dispute["status"] in OPEN_DISPUTES for dispute in disputes):
        return charge["net"]
    return max(charge["net"] - sum(d["amount"] for d in disputes if d["status"] == "lost"), 0)
