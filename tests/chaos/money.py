"""The check that Stripe's charges and refunds match the orders and the stored charges."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from chaos.snapshot import OPEN_DISPUTES, Doc, Snapshot

MOVED: Final = frozenset({"charged_back", "refunded", "returning"})


def paid_once(snapshot: Snapshot) -> Iterator[str]:
    """Check that a complete order is paid once, and a cancelled one is unpaid or refunded."""
    paid: defaultdict[str, list[Doc]] = defaultdict(list)
    for charge in snapshot.charges:
        if charge["paid"]:
            paid[snapshot.intents[charge["payment_intent"]]["metadata"]["orderId"]].append(charge)
    stored_charges = {str(c["order_id"]): c for c in snapshot.documents["payments.charges"]}
    for order_id, order in snapshot.by_id("orders.orders").items():
        stripe_charges = paid.pop(order_id, [])
        stored_charge = stored_charges.pop(order_id, None)
        if len(stripe_charges) > 1:
            yield f"order {order_id} was paid {len(stripe_charges)} times"
        if order["status"] == "complete":
            yield from _complete(order, stripe_charges, stored_charge, snapshot)
        elif order["status"] == "cancelled":
            yield from _cancelled(order_id, stripe_charges, stored_charge, snapshot)
            yield from _cancelled_and_payable(order_id, stripe_charges, stored_charge, snapshot)
        else:
            yield f"order {order_id} is still {order['status']}"
    for order_id in paid:
        yield f"order {order_id} was charged, but does not exist"
    for order_id in stored_charges:
        yield f"there is a charge for order {order_id}, which does not exist"


def _complete(
    order: Doc, stripe_charges: list[Doc], stored_charge: Doc | None, snapshot: Snapshot
) -> Iterator[str]:
    order_id = str(order["_id"])
    if not stripe_charges:
        yield f"order {order_id} is complete and was not paid"
        return
    (charge, *_) = stripe_charges
    if charge["amount"] != order["ticket"]["price"]:
        yield f"order {order_id} costs {order['ticket']['price']}, charged {charge['amount']}"
    if order.get("outcome") in MOVED:
        yield from _moved(order, charge, stored_charge, snapshot)
    else:
        yield from _kept(order_id, charge, stored_charge, snapshot)


def _moved(order: Doc, charge: Doc, stored_charge: Doc | None, snapshot: Snapshot) -> Iterator[str]:
    """Check a complete order whose money went back, or is on its way."""
    order_id = str(order["_id"])
    match order["outcome"]:
        case "charged_back":
            if not _lost(charge, snapshot):
                yield f"order {order_id} is charged back, but no bank took its money"
        case "refunded":
            yield from _refunded(order_id, charge, stored_charge, snapshot)
        case _:
            status = stored_charge and stored_charge["status"]
            is_refused = status == "refund_failed" and _is_partly_lost(charge, snapshot)
            if status != "refund_pending" and not is_refused:
                yield f"order {order_id} is returning, and its charge is not being refunded"


def _kept(
    order_id: str, charge: Doc, stored_charge: Doc | None, snapshot: Snapshot
) -> Iterator[str]:
    """Check a complete order whose money stays."""
    if _lost(charge, snapshot) and not _is_disputed(charge, snapshot):
        yield f"order {order_id} was charged back, and does not say so"
    if snapshot.refunds_by_charge.get(charge["id"]):
        yield f"order {order_id} is complete and its payment was refunded"
    if stored_charge is None or stored_charge["status"] != "succeeded":
        status = stored_charge and stored_charge["status"]
        yield f"order {order_id} is complete and its charge is {status}"
    elif stored_charge["amount"] != charge["amount"]:
        yield (
            f"the charge of order {order_id} has amount {stored_charge['amount']}, "
            f"but {charge['amount']} was charged"
        )
    elif stored_charge["stripe_id"] != charge["payment_intent"]:
        yield f"the charge of order {order_id} names another PaymentIntent"


def _cancelled(
    order_id: str,
    stripe_charges: list[Doc],
    stored_charge: Doc | None,
    snapshot: Snapshot,
) -> Iterator[str]:
    if not stripe_charges:
        if stored_charge is not None and stored_charge["status"] != "canceled":
            yield f"order {order_id} is cancelled, its unpaid charge is {stored_charge['status']}"
        return
    yield from _refunded(order_id, stripe_charges[0], stored_charge, snapshot)


def _refunded(
    order_id: str, charge: Doc, stored_charge: Doc | None, snapshot: Snapshot
) -> Iterator[str]:
    if _is_partly_lost(charge, snapshot):
        if stored_charge is None or stored_charge["status"] != "refund_failed":
            yield f"order {order_id} needs a refund by hand, and its charge does not say so"
        return
    refunds = snapshot.refunds_by_charge.get(charge["id"], [])
    succeeded_refunds = [refund for refund in refunds if refund["status"] == "succeeded"]
    refunded_amount = sum(refund["amount"] for refund in succeeded_refunds)
    refunded_amount += _lost(charge, snapshot)
    if refunded_amount != charge["amount"]:
        share = f"{refunded_amount} of its {charge['amount']}"
        yield f"order {order_id} is cancelled or returned and {share} was refunded"
    if stored_charge is None or stored_charge["status"] != "refunded":
        status = stored_charge and stored_charge["status"]
        yield f"order {order_id} is refunded, its charge is {status}"
    elif {stored_charge["stripe_refund_id"]} - {None} != {each["id"] for each in succeeded_refunds}:
        yield f"the charge of order {order_id} does not name its refund"


def _lost(charge: Doc, snapshot: Snapshot) -> int:
    """Return what banks gave back to the buyer."""
    disputes = snapshot.disputes_by_charge.get(charge["id"], [])
    return sum(dispute["amount"] for dispute in disputes if dispute["status"] == "lost")


def _is_disputed(charge: Doc, snapshot: Snapshot) -> bool:
    """Return whether a bank has not decided yet."""
    disputes = snapshot.disputes_by_charge.get(charge["id"], [])
    return any(dispute["status"] in OPEN_DISPUTES for dispute in disputes)


def _is_partly_lost(charge: Doc, snapshot: Snapshot) -> bool:
    """Return whether a bank gave a part back, after which Stripe refunds nothing."""
    return 0 < _lost(charge, snapshot) < charge["amount"]


def _cancelled_and_payable(
    order_id: str, stripe_charges: list[Doc], stored_charge: Doc | None, snapshot: Snapshot
) -> Iterator[str]:
    if stripe_charges or stored_charge is None:
        return
    intent = snapshot.intents.get(stored_charge["stripe_id"])
    if intent is None or intent["status"] != "canceled":
        status = intent and intent["status"]
        yield f"order {order_id} is cancelled, its PaymentIntent is {status}"
