"""The auditor: whether what must never happen has happened, judged from the evidence alone."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from chaos.evidence import DEAD, Doc, Evidence
from chaos.promises import Promises

LATE: Final = timedelta(seconds=5)
LIVE: Final = frozenset({"created", "awaiting:payment", "complete"})
EVENT_EACH: Final = {
    "tickets": "tickets.tickets",
    "orders": "orders.orders",
    "payments": "payments.charges",
}
"""Streams that hold exactly one event for each committed version of their aggregates."""
TICKET_OF: Final = {"complete": "sold", "created": "reserved", "awaiting:payment": "reserved"}

Check = Callable[[Evidence], Iterator[str]]


def audit(found: Evidence, promises: Promises, whole: datetime) -> list[str]:
    """Give every violation.

    Args:
        found: the evidence, taken when all was quiet.
        promises: what users were told.
        whole: since when nothing was broken any more.
    """
    violations = list(promises.broken)
    for check in CHECKS:
        violations += check(found)
    violations += late_orders(found, whole)
    violations += broken_promises(found, promises)
    return violations


def one_live_order(found: Evidence) -> Iterator[str]:
    """At most one live order for each ticket, and a hold of its own for each order."""
    live = Counter(
        str(order["ticket"]["id"])
        for order in found.documents["orders.orders"]
        if order["status"] in LIVE
    )
    for ticket, count in live.items():
        if count > 1:
            yield f"ticket {ticket} has {count} live orders"
    holds = Counter(
        (str(order["ticket"]["id"]), order["ticket"]["hold"])
        for order in found.documents["orders.orders"]
    )
    for (ticket, hold), count in holds.items():
        if count > 1:
            yield f"ticket {ticket} was given hold {hold} {count} times"


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
    if sum(refund["amount"] for refund in back) != charge["amount"]:
        yield f"order {order_id} is cancelled and its money was not given back"
    if noted is None or noted["status"] != "refunded":
        yield f"order {order_id} is refunded, its charge is {noted and noted['status']}"
    elif [noted["stripe_refund_id"]] != [refund["id"] for refund in back]:
        yield f"the charge of order {order_id} does not name its refund"


def locks_fit(found: Evidence) -> Iterator[str]:
    """No ticket is locked by a dead order, none is free under a live one, none lags behind."""
    last: dict[str, Doc] = {}
    for order in found.documents["orders.orders"]:
        ticket = str(order["ticket"]["id"])
        if ticket not in last or order["ticket"]["hold"] > last[ticket]["ticket"]["hold"]:
            last[ticket] = order
    for ticket_id, ticket in found.of("tickets.tickets").items():
        order = last.pop(ticket_id, None)
        expected: tuple[str, str | None] = ("available", None)
        if order is not None and order["status"] in LIVE:
            expected = (TICKET_OF[order["status"]], str(order["_id"]))
        if (ticket["status"], ticket["order_id"]) != expected:
            yield f"ticket {ticket_id} is {ticket['status']} by {ticket['order_id']}: {expected}"
        followed = (order["ticket"]["hold"], order["version"]) if order else (0, -1)
        if (ticket["hold"], ticket["order_version"]) != followed:
            yield f"ticket {ticket_id} has not followed its orders to {followed}"
    for ticket_id in last:
        yield f"there is an order on ticket {ticket_id}, which does not exist"


def every_version_told(found: Evidence) -> Iterator[str]:
    """Every committed version has exactly one event in its stream, and no event has none."""
    for stream, place in EVENT_EACH.items():
        told: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for event in found.streams[stream]:
            _, aggregate, version = event.id.split(":")
            told[aggregate][int(version)] += 1
        for aggregate, doc in found.of(place).items():
            versions = told.pop(aggregate, Counter())
            if versions != Counter(range(doc["version"] + 1)):
                yield f"{place} {aggregate} is at {doc['version']}, told were {dict(versions)}"
        for aggregate in told:
            yield f"{stream} told of {aggregate}, which does not exist"
    fired = [i for i, d in found.of("expiration.deadlines").items() if d["status"] == "fired"]
    yield from _told_once("expiration", fired, found)
    ended = [i for i, s in found.of("auth.sessions").items() if s["ended_at"] is not None]
    yield from _told_once("auth", ended, found)


def _told_once(stream: str, expected: list[str], found: Evidence) -> Iterator[str]:
    told = Counter(event.id.split(":")[1] for event in found.streams[stream])
    for aggregate, count in (told - Counter(expected)).items():
        yield f"{stream} told {count} times too often of {aggregate}"
    for aggregate in Counter(expected) - told:
        yield f"{stream} did not tell of {aggregate}"


def replicas_equal(found: Evidence) -> Iterator[str]:
    """What other services keep of a ticket or an order is what it is."""
    tickets = found.of("tickets.tickets")
    yield from _same(
        "orders.tickets",
        {i: (t["version"], t["title"], t["price"], t["user_id"]) for i, t in tickets.items()},
        {
            i: (t["version"], t["title"], t["price"], t["user_id"])
            for i, t in found.of("orders.tickets").items()
        },
    )
    orders = found.of("orders.orders")
    yield from _same(
        "payments.orders",
        {
            i: (o["version"], o["status"], o["user_id"], o["ticket"]["price"], o["expires_at"])
            for i, o in orders.items()
        },
        {
            i: (o["version"], o["status"], o["user_id"], o["price"], o["expires_at"])
            for i, o in found.of("payments.orders").items()
        },
    )
    deadlines = found.of("expiration.deadlines")
    yield from _same(
        "expiration.deadlines",
        {i: o["expires_at"] for i, o in orders.items()},
        {i: d["expires_at"] for i, d in deadlines.items()},
    )
    for order_id, deadline in deadlines.items():
        if deadline["status"] == "waiting":
            yield f"the deadline of order {order_id} still waits"


def _same(place: str, origin: dict[str, Any], copy: dict[str, Any]) -> Iterator[str]:
    for key in origin.keys() | copy.keys():
        if origin.get(key) != copy.get(key):
            yield f"{place} {key} is {copy.get(key)}, its origin {origin.get(key)}"


def nothing_waits(found: Evidence) -> Iterator[str]:
    """No event waits in an outbox, for a listener, or with the dead letters."""
    for place, documents in found.documents.items():
        for doc in documents:
            if doc.get("outbox"):
                yield f"{place} {doc['_id']} has {len(doc['outbox'])} events in its outbox"
    for consumer in found.consumers:
        if consumer.pending or consumer.unacknowledged:
            yield f"{consumer.name} has {consumer.pending} + {consumer.unacknowledged} to hear"
    for letter in found.streams[DEAD]:
        yield f"dead letter: {letter.subject} {letter.data[:200]!r}"


def late_orders(found: Evidence, whole: datetime) -> Iterator[str]:
    """No order outlived its window by more than a few seconds, once nothing was broken."""
    orders = found.of("orders.orders")
    for event in found.streams["orders"]:
        order = orders.get(event.id.split(":")[1])
        if event.subject != "order.cancelled" or order is None or order["reason"] != "expired":
            continue
        late = event.at - max(order["expires_at"], whole)
        if late > LATE:
            yield f"order {order['_id']} expired {late.total_seconds():.1f} s late"


def broken_promises(found: Evidence, promises: Promises) -> Iterator[str]:
    """What users were told is so."""
    yield from _accounts_and_tickets(found, promises)
    orders = found.of("orders.orders")
    for order_id, buyer in promises.orders.items():
        if order_id not in orders or orders[order_id]["user_id"] != buyer:
            yield f"order {order_id} was placed by {buyer}, and is {orders.get(order_id)}"
    for order_id in promises.cancelled:
        if orders[order_id]["status"] != "cancelled":
            yield f"order {order_id} was cancelled, and is {orders[order_id]['status']}"
    charges = found.of("payments.charges")
    for order_id, charge_id in promises.paid.items():
        status = charges[charge_id]["status"] if charge_id in charges else None
        if status not in {"succeeded", "refunded"}:
            yield f"order {order_id} was paid, and its charge is {status}"


def _accounts_and_tickets(found: Evidence, promises: Promises) -> Iterator[str]:
    accounts = {doc["email"]: str(doc["_id"]) for doc in found.documents["auth.accounts"]}
    for email, user_id in promises.accounts.items():
        if accounts.get(email) != user_id:
            yield f"{email} was told to be {user_id}, and is {accounts.get(email)}"
    tickets = found.of("tickets.tickets")
    titles = Counter(ticket["title"] for ticket in tickets.values())
    for ticket_id, title in promises.tickets.items():
        if ticket_id not in tickets:
            yield f"ticket {ticket_id} was listed, and does not exist"
        elif titles[title] != 1:
            yield f"ticket {title!r} was listed once, and exists {titles[title]} times"
    for ticket_id, version in promises.editions:
        if tickets[ticket_id]["version"] < version:
            yield f"the edit of ticket {ticket_id} to version {version} is lost"


CHECKS: Final[tuple[Check, ...]] = (
    one_live_order,
    paid_once,
    locks_fit,
    every_version_told,
    replicas_equal,
    nothing_waits,
)
