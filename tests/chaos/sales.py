"""The checks of what is on sale: withdrawn tickets, and shows that start or are cancelled."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from chaos.snapshot import Doc, Snapshot

UNPAID_STATUSES: Final = frozenset({"created", "awaiting:payment"})
STORED_AS_AVAILABLE: Final = frozenset({"withdrawn", "unlisted"})
"""Stored statuses of tickets that no search index has; what is published is `available`."""
RETURNED: Final = frozenset({"returning", "refunded"})
ENDED: Final = RETURNED | {"charged_back"}
"""Outcomes of orders whose buyers do not have to pay, or will not have to."""
SHOW_CANCELLED: Final = "show cancelled"


def published_status(doc: Doc) -> Any:
    """Return the published status of a stored aggregate, or None if it has none."""
    return "available" if doc.get("status") in STORED_AS_AVAILABLE else doc.get("status")


def withdrawals(snapshot: Snapshot) -> Iterator[str]:
    """Check that a withdrawn ticket has no unpaid order, and that only a reserved one waits."""
    ordered = {
        str(order["ticket"]["id"])
        for order in snapshot.documents["orders.orders"]
        if order["status"] in UNPAID_STATUSES
    }
    for ticket_id, ticket in snapshot.by_id("tickets.tickets").items():
        if ticket["status"] == "withdrawn" and ticket_id in ordered:
            yield f"ticket {ticket_id} is withdrawn and has an unpaid order"
        if ticket.get("withdrawing") and ticket["status"] != "reserved":
            yield f"ticket {ticket_id} is withdrawing and {ticket['status']}"


def orders_of_tickets_on_sale(snapshot: Snapshot) -> Iterator[str]:
    """Check that each order was placed on a copy of a ticket that was on sale, and what it pins."""
    copies: dict[tuple[str, int], Any] = {}
    for event in snapshot.streams["tickets"]:
        if event.subject.startswith("ticket."):
            body = json.loads(event.data)
            copies[body["id"], body["version"]] = body
    for order_id, order in snapshot.by_id("orders.orders").items():
        pinned = order["ticket"]
        copy = copies.get((str(pinned["id"]), pinned.get("version")))
        if copy is None:
            continue
        if copy.get("withdrawn") or copy.get("withdrawing"):
            yield f"order {order_id} is of a ticket that orders knew to be withdrawn"
        show: Doc = copy.get("show") or {}
        if show.get("cancelledAt"):
            yield f"order {order_id} is for a show that orders knew to be cancelled"
        if show and order["created_at"] >= datetime.fromisoformat(show["startsAt"]):
            yield f"order {order_id} was placed after the start of its show"
        if (pinned.get("show") or {}).get("name") != show.get("name"):
            yield f"order {order_id} is for {pinned.get('show')}, its buyer saw {show}"


def cancelled_shows(snapshot: Snapshot) -> Iterator[str]:
    """Check that every order of a cancelled show has ended, and no other one has for that."""
    tickets = snapshot.by_id("tickets.tickets")
    for order_id, order in snapshot.by_id("orders.orders").items():
        ticket = tickets.get(str(order["ticket"]["id"]), {})
        facts: Doc = ticket.get("show") or {}
        is_cancelled = facts.get("cancelled_at") is not None
        if is_cancelled and order["status"] in UNPAID_STATUSES:
            yield f"order {order_id} of a cancelled show is {order['status']}"
        outcome = order.get("outcome")
        is_agreed = outcome is None or order.get("refund_agreed_at") is not None
        expected = outcome in ENDED if is_cancelled else is_agreed or outcome not in RETURNED
        if order["status"] == "complete" and not expected:
            yield f"complete order {order_id} has outcome {order.get('outcome')}"
        if order.get("detail") == SHOW_CANCELLED and not is_cancelled:
            yield f"order {order_id} ended because of its show, which is not cancelled"
