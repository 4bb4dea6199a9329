"""The auditor of `make chaos` can fail: each invariant, broken once in otherwise sound evidence."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos.auditor import audit
from chaos.client_log import Promises
from chaos.snapshot import COLLECTIONS, DEAD, Consumer, Evidence, Told
from common.events import STREAMS

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOLD, FREE = "5" * 24, "f" * 24
PAID, GIVEN_UP, UNPAID = "a" * 24, "b" * 24, "d" * 24
SESSION = "7" * 24
BUYER = "c" * 24


def _order(
    order_id: str, ticket: str, status: str, reason: str | None, hold: int = 1
) -> dict[str, Any]:
    return {
        "_id": order_id,
        "version": 1,
        "status": status,
        "reason": reason,
        "user_id": BUYER,
        "expires_at": NOW,
        "ticket": {"id": ticket, "hold": hold, "price": 2000},
        "outbox": [],
    }


def _ticket(ticket: str, status: str, order_id: str | None, hold: int = 1) -> dict[str, Any]:
    return {
        "_id": ticket,
        "version": 0,
        "title": ticket,
        "price": 2000,
        "user_id": BUYER,
        "status": status,
        "order_id": order_id,
        "hold": hold,
        "order_version": 1,
        "outbox": [],
    }


def _charge(order_id: str, status: str, refund: str | None) -> dict[str, Any]:
    return {
        "_id": f"ch{order_id[2:]}",
        "version": 0,
        "order_id": order_id,
        "status": status,
        "amount": 2000,
        "stripe_id": f"pi_{order_id}",
        "stripe_refund_id": refund,
        "outbox": [],
    }


def _sound() -> Evidence:
    """A ticket that was sold; one whose order expired after it was paid; then one that was not."""
    orders = [
        _order(PAID, SOLD, "complete", None),
        _order(GIVEN_UP, FREE, "cancelled", "expired"),
        _order(UNPAID, FREE, "cancelled", "buyer", hold=2),
    ]
    tickets = [_ticket(SOLD, "sold", PAID), _ticket(FREE, "available", None, hold=2)]
    charges = [
        _charge(PAID, "succeeded", None),
        _charge(GIVEN_UP, "refunded", "re_1"),
        _charge(UNPAID, "canceled", None),
    ]
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
            {"_id": UNPAID, "status": "cleared", "expires_at": NOW},
        ],
        "auth.accounts": [{"_id": BUYER, "email": "buyer@example.com"}],
        "auth.sessions": [{"_id": SESSION, "ended_at": NOW}],
    }
    streams: dict[str, list[Told]] = {stream: [] for stream in (*STREAMS, DEAD)}
    streams["tickets"] = [
        _told("ticket.created", SOLD, 0, "sold"),
        _told("ticket.created", FREE, 0, "available"),
    ]
    streams["orders"] = [
        *(_told("order.created", order, 0, "created") for order in (PAID, GIVEN_UP, UNPAID)),
        _told("order.completed", PAID, 1, "complete"),
        _told("order.cancelled", GIVEN_UP, 1, "cancelled"),
        _told("order.cancelled", UNPAID, 1, "cancelled"),
    ]
    streams["payments"] = [
        _told("payment.updated", charge["_id"], 0, charge["status"]) for charge in charges
    ]
    streams["expiration"] = [_told("expiration.completed", GIVEN_UP, 1)]
    streams["auth"] = [_told("session.revoked", SESSION, 1)]
    return Evidence(
        documents,
        streams,
        [Consumer("orders-tickets", 0, 0, 0)],
        {
            f"pi_{order}": {"metadata": {"orderId": order}, "status": status}
            for order, status in (
                (PAID, "succeeded"),
                (GIVEN_UP, "succeeded"),
                (UNPAID, "canceled"),
            )
        },
        [_taken(PAID), _taken(GIVEN_UP)],
        [{"id": "re_1", "charge": f"py_{GIVEN_UP}", "status": "succeeded", "amount": 2000}],
        [],
    )


def _told(subject: str, aggregate: str, version: int, status: str = "", late: int = 1) -> Told:
    body = json.dumps({"id": aggregate, "version": version, "status": status}).encode()
    at = NOW + timedelta(seconds=late)
    return Told(f"{subject}:{aggregate}:{version}", subject, at, body)


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
        cancelled={UNPAID},
        ended={SESSION: "its token"},
        paid={PAID: f"ch{PAID[2:]}"},
    )


def test_sound_evidence_holds_no_violation() -> None:
    assert audit(_sound(), _promised(), NOW) == []


Harm = Callable[[Evidence, Promises], object]


def _set(place: str, number: int, **fields: Any) -> Harm:
    return lambda found, _: found.documents[place][number].update(fields)


def _append(stream: str, told: Told) -> Harm:
    return lambda found, _: found.streams[stream].append(told)


HARM: dict[str, Harm] = {
    "has 2 live orders": lambda found, _: found.documents["orders.orders"].append(
        _order("e" * 24, SOLD, "complete", None)
    ),
    "was given hold 1 2 times": lambda found, _: found.documents["orders.orders"].append(
        _order("e" * 24, FREE, "cancelled", "buyer")
    ),
    "is complete, and another was placed after it": _set(
        "orders.orders", 1, status="complete", reason=None
    ),
    "has no order of hold {1}": lambda found, _: found.documents["orders.orders"].pop(1),
    "was paid 2 times": lambda found, _: found.charges.append(_taken(PAID)),
    "is complete and was not paid": lambda found, _: found.charges.pop(0),
    "costs 2000 and took 1999": lambda found, _: found.charges[0].update(amount=1999),
    "says 1999, 2000 was taken": _set("payments.charges", 0, amount=1999),
    "and its money was given back": lambda found, _: found.refunds[0].update(charge=f"py_{PAID}"),
    "its charge is processing": _set("payments.charges", 0, status="processing"),
    "names another PaymentIntent": _set("payments.charges", 0, stripe_id="pi_other"),
    "0 of its 2000 was given back": lambda found, _: found.refunds.clear(),
    "1999 of its 2000 was given back": lambda found, _: found.refunds[0].update(amount=1999),
    "does not name its refund": _set("payments.charges", 1, stripe_refund_id="re_2"),
    "is refunded, its charge is succeeded": _set("payments.charges", 1, status="succeeded"),
    "its unpaid charge is processing": _set("payments.charges", 2, status="processing"),
    "its PaymentIntent is requires_action": lambda found, _: found.intents[f"pi_{UNPAID}"].update(
        status="requires_action"
    ),
    "money was taken for order": lambda found, _: found.documents["orders.orders"].pop(0),
    "there is a charge for order": lambda found, _: found.documents["orders.orders"].pop(2),
    "is still created": _set("orders.orders", 0, status="created"),
    "is reserved by": _set("tickets.tickets", 1, status="reserved", order_id=GIVEN_UP),
    "is available by None": _set("tickets.tickets", 0, status="available", order_id=None),
    "has not followed its orders": _set("tickets.tickets", 0, order_version=0),
    "there is an order on ticket": lambda found, _: found.documents["tickets.tickets"].pop(0),
    "told were {0: 1}": lambda found, _: found.streams["orders"].pop(3),
    "told were {0: 1, 1: 2}": lambda found, _: found.streams["orders"].append(
        found.streams["orders"][3]
    ),
    "which does not exist": _append("tickets", _told("ticket.created", "e" * 24, 0)),
    "tells of": lambda found, _: found.streams["tickets"].__setitem__(
        0, replace(found.streams["tickets"][0], id=f"ticket.created:{SOLD}:1")
    ),
    "says sold, it is reserved": _set("tickets.tickets", 0, status="reserved"),
    "expiration did not tell of": lambda found, _: found.streams["expiration"].clear(),
    "expiration told 1 times too often": _append("expiration", _told("e.completed", GIVEN_UP, 1)),
    "auth did not tell of": lambda found, _: found.streams["auth"].clear(),
    "orders.tickets": _set("orders.tickets", 0, price=1),
    "payments.orders": _set("payments.orders", 0, version=0),
    "expiration.deadlines": lambda found, _: found.documents["expiration.deadlines"].pop(0),
    "still waits": _set("expiration.deadlines", 0, status="waiting"),
    "events in its outbox": _set("tickets.tickets", 0, outbox=[{}]),
    "has 0 + 1 to hear": lambda found, _: found.consumers.append(Consumer("a-b", 0, 1, 0)),
    "has 1 + 0 to hear": lambda found, _: found.consumers.append(Consumer("a-b", 1, 0, 0)),
    "dead letter": _append(DEAD, _told("dead.x", "x", 0)),
    "was cancelled 9.0 s late": lambda found, _: found.streams["orders"].__setitem__(
        4, _told("order.cancelled", GIVEN_UP, 1, "cancelled", late=9)
    ),
    "was complete 9.0 s late": lambda found, _: found.streams["orders"].__setitem__(
        3, _told("order.completed", PAID, 1, "complete", late=9)
    ),
    "was told to be": _set("auth.accounts", 0, email="nobody@example.com"),
    "was listed, and does not exist": lambda _, promises: promises.tickets.update({"9" * 24: ""}),
    "exists 2 times": _set("tickets.tickets", 1, title=SOLD),
    "is lost": lambda _, promises: promises.editions.append((FREE, 1)),
    "was placed by": lambda _, promises: promises.orders.update({PAID: SOLD}),
    "was cancelled, and is complete": lambda _, promises: promises.cancelled.add(PAID),
    "was paid, and its charge is": lambda _, promises: promises.paid.update({PAID: "none"}),
    "was ended, and is alive": _set("auth.sessions", 0, ended_at=None),
    "is believed by orders-1": lambda found, _: found.believed.append("orders-1"),
    "answered 500": lambda _, promises: promises.broken.append("answered 500"),
}


@pytest.mark.parametrize("words", HARM)
def test_whatever_must_never_happen_is_noticed(words: str) -> None:
    found, promises = _sound(), _promised()
    HARM[words](found, promises)
    assert [violation for violation in audit(found, promises, NOW) if words in violation]
