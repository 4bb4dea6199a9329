"""The auditor of `make chaos` can fail: each invariant, broken once in otherwise sound evidence."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos.auditor import audit
from chaos.evidence import COLLECTIONS, DEAD, Consumer, Evidence, Told
from chaos.promises import Promises
from common.events import STREAMS

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOLD, FREE = "5" * 24, "f" * 24
PAID, GIVEN_UP = "a" * 24, "b" * 24
BUYER = "c" * 24


def _order(order_id: str, ticket: str, status: str, reason: str | None) -> dict[str, Any]:
    return {
        "_id": order_id,
        "version": 1,
        "status": status,
        "reason": reason,
        "user_id": BUYER,
        "expires_at": NOW,
        "ticket": {"id": ticket, "hold": 1, "price": 2000},
        "outbox": [],
    }


def _ticket(ticket: str, status: str, order_id: str | None) -> dict[str, Any]:
    return {
        "_id": ticket,
        "version": 0,
        "title": ticket,
        "price": 2000,
        "user_id": BUYER,
        "status": status,
        "order_id": order_id,
        "hold": 1,
        "order_version": 1,
        "outbox": [],
    }


def _charge(order_id: str, status: str, refund: str | None) -> dict[str, Any]:
    return {
        "_id": f"ch{order_id[2:]}",
        "version": 0,
        "order_id": order_id,
        "status": status,
        "stripe_id": f"pi_{order_id}",
        "stripe_refund_id": refund,
        "outbox": [],
    }


def _sound() -> Evidence:
    """A ticket that was sold, and one whose order expired after its money had been taken."""
    orders = [
        _order(PAID, SOLD, "complete", None),
        _order(GIVEN_UP, FREE, "cancelled", "expired"),
    ]
    tickets = [_ticket(SOLD, "sold", PAID), _ticket(FREE, "available", None)]
    charges = [_charge(PAID, "succeeded", None), _charge(GIVEN_UP, "refunded", "re_1")]
    documents: dict[str, list[dict[str, Any]]] = {place: [] for place in COLLECTIONS}
    documents |= {
        "orders.orders": orders,
        "tickets.tickets": tickets,
        "payments.charges": charges,
        "orders.tickets": copy.deepcopy(tickets),
        "payments.orders": [{**order, "price": 2000} for order in copy.deepcopy(orders)],
        "expiration.deadlines": [
            {"_id": PAID, "status": "cleared", "expires_at": NOW},
            {"_id": GIVEN_UP, "status": "fired", "expires_at": NOW},
        ],
        "auth.accounts": [{"_id": BUYER, "email": "buyer@example.com"}],
    }
    streams: dict[str, list[Told]] = {stream: [] for stream in (*STREAMS, DEAD)}
    streams["tickets"] = [_told("ticket.created", ticket, 0) for ticket in (SOLD, FREE)]
    streams["orders"] = [
        _told("order.created", PAID, 0),
        _told("order.created", GIVEN_UP, 0),
        _told("order.completed", PAID, 1),
        _told("order.cancelled", GIVEN_UP, 1),
    ]
    streams["payments"] = [_told("payment.created", charge["_id"], 0) for charge in charges]
    streams["expiration"] = [_told("expiration.completed", GIVEN_UP, 1)]
    return Evidence(
        documents,
        streams,
        [Consumer("orders-tickets", 0, 0, 0)],
        {f"pi_{order}": {"metadata": {"orderId": order}} for order in (PAID, GIVEN_UP)},
        [_taken(PAID), _taken(GIVEN_UP)],
        [{"id": "re_1", "charge": f"py_{GIVEN_UP}", "status": "succeeded", "amount": 2000}],
        [],
    )


def _told(subject: str, aggregate: str, version: int) -> Told:
    return Told(f"{subject}:{aggregate}:{version}", subject, NOW + timedelta(seconds=1), b"{}")


def _taken(order_id: str) -> dict[str, Any]:
    return {
        "id": f"py_{order_id}",
        "payment_intent": f"pi_{order_id}",
        "paid": True,
        "amount": 2000,
    }


def _promised() -> Promises:
    return Promises(
        accounts={"buyer@example.com": BUYER},
        tickets={SOLD: SOLD},
        editions=[(FREE, 0)],
        orders={PAID: BUYER},
        cancelled={GIVEN_UP},
        paid={PAID: f"ch{PAID[2:]}"},
    )


def test_sound_evidence_holds_no_violation() -> None:
    assert audit(_sound(), _promised(), NOW) == []


Harm = Callable[[Evidence, Promises], object]


def _set(place: str, number: int, **fields: Any) -> Harm:
    return lambda found, _: found.documents[place][number].update(fields)


HARM: dict[str, Harm] = {
    "has 2 live orders": lambda found, _: found.documents["orders.orders"].append(
        _order("d" * 24, SOLD, "complete", None)
    ),
    "was given hold 1 2 times": lambda found, _: found.documents["orders.orders"].append(
        _order("d" * 24, FREE, "cancelled", "buyer")
    ),
    "was paid 2 times": lambda found, _: found.charges.append(_taken(PAID)),
    "is complete and was not paid": lambda found, _: found.charges.pop(0),
    "costs 2000 and took 1999": lambda found, _: found.charges[0].update(amount=1999),
    "and its money was given back": lambda found, _: found.refunds[0].update(charge=f"py_{PAID}"),
    "its charge is processing": _set("payments.charges", 0, status="processing"),
    "its money was not given back": lambda found, _: found.refunds.clear(),
    "does not name its refund": _set("payments.charges", 1, stripe_refund_id="re_2"),
    "is still created": _set("orders.orders", 0, status="created"),
    "is reserved by": _set("tickets.tickets", 1, status="reserved", order_id=GIVEN_UP),
    "is available by None": _set("tickets.tickets", 0, status="available", order_id=None),
    "has not followed its orders": _set("tickets.tickets", 0, order_version=0),
    "told were {0: 1}": lambda found, _: found.streams["orders"].pop(2),
    "told were {0: 1, 1: 2}": lambda found, _: found.streams["orders"].append(
        found.streams["orders"][2]
    ),
    "which does not exist": lambda found, _: found.streams["tickets"].append(
        _told("ticket.created", "e" * 24, 0)
    ),
    "expiration did not tell of": lambda found, _: found.streams["expiration"].clear(),
    "orders.tickets": _set("orders.tickets", 0, price=1),
    "payments.orders": _set("payments.orders", 0, version=0),
    "still waits": _set("expiration.deadlines", 0, status="waiting"),
    "events in its outbox": _set("tickets.tickets", 0, outbox=[{}]),
    "has 0 + 1 to hear": lambda found, _: found.consumers.append(Consumer("a-b", 0, 1, 0)),
    "dead letter": lambda found, _: found.streams[DEAD].append(_told("dead.x", "x", 0)),
    "s late": lambda found, _: found.streams["orders"].__setitem__(
        3,
        Told(f"order.cancelled:{GIVEN_UP}:1", "order.cancelled", NOW + timedelta(seconds=9), b"{}"),
    ),
    "was told to be": _set("auth.accounts", 0, email="nobody@example.com"),
    "was listed, and does not exist": lambda _, promises: promises.tickets.update({"9" * 24: ""}),
    "exists 2 times": _set("tickets.tickets", 1, title=SOLD),
    "is lost": lambda _, promises: promises.editions.append((FREE, 1)),
    "was placed by": lambda _, promises: promises.orders.update({PAID: SOLD}),
    "was cancelled, and is complete": lambda _, promises: promises.cancelled.add(PAID),
    "was paid, and its charge is": lambda _, promises: promises.paid.update({PAID: "none"}),
    "answered 500": lambda _, promises: promises.broken.append("answered 500"),
}


@pytest.mark.parametrize("words", HARM)
def test_whatever_must_never_happen_is_noticed(words: str) -> None:
    found, promises = _sound(), _promised()
    HARM[words](found, promises)
    assert [violation for violation in audit(found, promises, NOW) if words in violation]
