"""Whether the money fits the orders: what Stripe took and gave back, beside what we say of it."""

from collections import defaultdict
from collections.abc import Iterator

from chaos.snapshot import Doc, Evidence


def paid_once(found: Evidence) -> Iterator[str]:
    """A complete order has one paid charge of its amount; a cancelled one none, or a refunded."""
    paid: defaultdict[str, list[Doc]] = defaultdict(list)
    for charge in found.charges:
        if charge["paid"]:
            paid[found.intents[charge["payment_intent"]]["metadata"]["orderId"]].append(charge)
    ours = {str(c["order_id"]): c for c in found.documents["payments.charges"]}
    refunds: defaultdict[str, list[Doc]] = defaultdict(list)
    for refund in found.refunds:
        refunds[refund["charge"]].append(refund)
    for order_id, order in found.of("orders.orders").items():
        money = paid.pop(order_id, [])
        noted = ours.pop(order_id, None)
        if len(money) > 1:
            yield f"order {order_id} was paid {len(money)} times"
        if order["status"] == "complete":
            yield from _complete(order_id, order, money, noted, refunds)
        elif order["status"] == "cancelled":
            yield from _cancelled(order_id, money, noted, refunds)
            yield from _payable(order_id, money, noted, found)
        else:
            yield f"order {order_id} is still {order['status']}"
    for order_id in paid:
        yield f"money was taken for order {order_id}, which does not exist"
    for order_id in ours:
        yield f"there is a charge for order {order_id}, which does not exist"


def _complete(
    order_id: str, order: Doc, money: list[Doc], noted: Doc | None, refunds: dict[str, list[Doc]]
) -> Iterator[str]:
    if not money:
        yield f"order {order_id} is complete and was not paid"
        return
    (charge, *_) = money
    if charge["amount"] != order["ticket"]["price"]:
        yield f"order {order_id} costs {order['ticket']['price']} and took {charge['amount']}"
    if refunds.get(charge["id"]):
        yield f"order {order_id} is complete and its money was given back"
    if noted is None or noted["status"] != "succeeded":
        yield f"order {order_id} is complete and its charge is {noted and noted['status']}"
    elif noted["amount"] != charge["amount"]:
        yield f"the charge of order {order_id} says {noted['amount']}, {charge['amount']} was taken"
    elif noted["stripe_id"] != charge["payment_intent"]:
        yield f"the charge of order {order_id} names another PaymentIntent"


def _cancelled(
    order_id: str, money: list[Doc], noted: Doc | None, refunds: dict[str, list[Doc]]
) -> Iterator[str]:
    if not money:
        if noted is not None and noted["status"] != "canceled":
            yield f"order {order_id} is cancelled, its unpaid charge is {noted['status']}"
        return
    (charge, *_) = money
    back = [r for r in refunds.get(charge["id"], []) if r["status"] == "succeeded"]
    given_back = sum(refund["amount"] for refund in back)
    if given_back != charge["amount"]:
        of = f"{given_back} of its {charge['amount']}"
        yield f"order {order_id} is cancelled and {of} was given back"
    if noted is None or noted["status"] != "refunded":
        yield f"order {order_id} is refunded, its charge is {noted and noted['status']}"
    elif [noted["stripe_refund_id"]] != [refund["id"] for refund in back]:
        yield f"the charge of order {order_id} does not name its refund"


def _payable(order_id: str, money: list[Doc], noted: Doc | None, found: Evidence) -> Iterator[str]:
    if money or noted is None:
        return
    intent = found.intents.get(noted["stripe_id"])
    if intent is None or intent["status"] != "canceled":
        status = intent and intent["status"]
        yield f"order {order_id} is cancelled, its PaymentIntent is {status}"
