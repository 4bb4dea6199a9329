"""The checks that copies equal their originals, in other services and in the tickets of a show."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from chaos.snapshot import Doc, Snapshot

SHOW_FACTS: Final = (
    "name",
    "starts_at",
    "ends_at",
    "time_zone",
    "venue",
    "category",
    "cancelled_at",
)


def replicas_equal(snapshot: Snapshot) -> Iterator[str]:
    """Check that copies of tickets, orders and sellers in other services equal the originals."""
    tickets = snapshot.by_id("tickets.tickets")
    yield from _same(
        "orders.tickets",
        {
            i: (
                *(t["version"], *offered(t), t["user_id"]),
                *(t["status"] == "withdrawn" or t.get("withdrawing", False), *_show_of(t)),
                *((t.get("vault") or {}).get("protection"), t.get("frozen_until")),
            )
            for i, t in tickets.items()
        },
        {
            i: (
                *(t["version"], t["title"], t["price"], t["user_id"]),
                *(t.get("withdrawn", False), _show_of(t)[0], t.get("show_cancelled", False)),
                *(t.get("protection"), t.get("frozen_until")),
            )
            for i, t in snapshot.by_id("orders.tickets").items()
        },
    )
    orders = snapshot.by_id("orders.orders")
    yield from _same(
        "payments.orders",
        {
            i: (o["version"], o["status"], o["user_id"], o["ticket"]["price"], o["expires_at"])
            for i, o in orders.items()
        },
        {
            i: (o["version"], o["status"], o["user_id"], o["price"], o["expires_at"])
            for i, o in snapshot.by_id("payments.orders").items()
        },
    )
    yield from _same(
        "tickets.sellers",
        _sellers(snapshot, "payments.sellers"),
        _sellers(snapshot, "tickets.sellers"),
    )
    deadlines = snapshot.by_id("expiration.deadlines")
    yield from _same(
        "expiration.deadlines",
        {i: o["expires_at"] for i, o in orders.items()},
        {i: d["expires_at"] for i, d in deadlines.items()},
    )
    for order_id, deadline in deadlines.items():
        if deadline["status"] == "waiting":
            yield f"the deadline of order {order_id} is still waiting"


def _sellers(snapshot: Snapshot, collection: str) -> dict[str, tuple[int, str]]:
    """Return the version and the state of each seller who was not deleted."""
    erased = snapshot.by_id("auth.erased_users")
    return {
        user_id: (seller["version"], seller["transfers"])
        for user_id, seller in snapshot.by_id(collection).items()
        if user_id not in erased
    }


def offered(ticket: Doc) -> tuple[str, int]:
    """Return the title and price of the next order on a ticket."""
    listing = ticket.get("late_edit") or ticket
    return listing["title"], listing["price"]


def _show_of(ticket: Doc) -> tuple[datetime | None, bool]:
    """Return when the show of a ticket starts, and whether it is cancelled."""
    show: Doc = ticket.get("show") or {}
    return show.get("starts_at"), show.get("cancelled_at") is not None


def _same(collection: str, origin: dict[str, Any], copy: dict[str, Any]) -> Iterator[str]:
    for key in origin.keys() | copy.keys():
        if origin.get(key) != copy.get(key):
            yield f"{collection} {key} is {copy.get(key)}, its origin {origin.get(key)}"


def copies_equal_shows(snapshot: Snapshot) -> Iterator[str]:
    """Check that each ticket has the present facts of its show."""
    shows = snapshot.by_id("tickets.shows")
    for ticket_id, ticket in snapshot.by_id("tickets.tickets").items():
        copy = ticket.get("show")
        if copy is None:
            continue
        show = shows.get(copy["id"])
        if show is None:
            yield f"ticket {ticket_id} is for show {copy['id']}, which does not exist"
            continue
        facts = {name: show[name] for name in SHOW_FACTS if show[name] is not None}
        expected = {"id": copy["id"], "version": show["facts_version"], **facts}
        if copy != expected:
            yield f"ticket {ticket_id} has facts {copy}, its show {expected}"
