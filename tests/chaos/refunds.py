"""The checks of refunds to which seller and buyer agreed: never the money and the original."""

from collections.abc import Iterator
from datetime import datetime

from chaos.client_log import ClientLog
from chaos.snapshot import Doc, Snapshot
from chaos.vault import entry_id_of, reveals_of
from orders.domain.refund import REFUND_AGREED


def agreed_refunds(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    """Check that each agreed refund was decided, after the original was taken back."""
    tickets = snapshot.by_id("tickets.tickets")
    entries = snapshot.by_id("tickets.vault")
    orders = snapshot.by_id("orders.orders")
    for order_id in client_log.accepted_refunds:
        if orders.get(order_id, {}).get("refund_agreed_at") is None:
            yield f"the refund of order {order_id} was accepted, but is not agreed"
    for order_id, order in orders.items():
        if order.get("refund_agreed_at") is None:
            continue
        if order.get("outcome") is None:
            yield f"the refund of order {order_id} is agreed, but nothing happened"
        if order.get("detail") != REFUND_AGREED:
            continue
        ticket = tickets.get(str(order["ticket"]["id"]), {})
        if (ticket.get("returned") or {}).get("hold") != order["ticket"]["hold"]:
            yield f"the money of order {order_id} went back before tickets answered"
        entry = entries.get(entry_id_of(ticket) or "")
        if entry is not None:
            yield from _taken_back(order, entry)


def _taken_back(order: Doc, entry: Doc) -> Iterator[str]:
    order_id, ticket_id = str(order["_id"]), str(order["ticket"]["id"])
    is_seen = any(reveal["ticket_id"] == ticket_id for reveal in reveals_of(entry))
    if is_seen:
        return
    removed_at, returning_at = _set_at(entry, "state", "void"), _set_at(order, "detail")
    if removed_at is None:
        yield f"the buyer of order {order_id} has the money and an original to reveal"
    elif returning_at is not None and removed_at > returning_at:
        yield f"the original of order {order_id} was removed after its money went back"


def _set_at(doc: Doc, field: str, value: str = REFUND_AGREED) -> datetime | None:
    """Return when a field got this value, by the audit log."""
    times = (
        change["at"] for change in doc["history"] if change.get("changed", {}).get(field) == value
    )
    return next(times, None)
