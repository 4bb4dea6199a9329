"""The auditor: checks the invariants of the system on a snapshot of its stores."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from auth.domain import MAX_SESSIONS
from chaos.acknowledged_writes import lost_acknowledged_writes
from chaos.client_log import ClientLog
from chaos.declines import declines_counted, reported_cards_concealed
from chaos.fair_use import fair_use
from chaos.money import paid_once
from chaos.sales import (
    SHOW_CANCELLED,
    cancelled_shows,
    orders_of_tickets_on_sale,
    published_status,
    withdrawals,
)
from chaos.snapshot import DEAD_LETTERS_STREAM, Doc, Snapshot, StoredEvent
from common.events import AllSessionsRevoked
from orders.domain.order import EARLY_TOLERANCE
from tickets.store.tickets import terms_of

MAX_LATENESS: Final = timedelta(seconds=5)
LIVE_STATUSES: Final = frozenset({"created", "awaiting:payment", "complete"})
VERSIONED_AGGREGATES: Final = {
    "ticket": ("tickets", "tickets.tickets"),
    "show": ("tickets", "tickets.shows"),
    "order": ("orders", "orders.orders"),
    "payment": ("payments", "payments.charges"),
}
"""First word of the subjects -> the stream, and the collection that has exactly one event in it for
each committed version."""
SHOW_FACTS: Final = (
    "name",
    "starts_at",
    "ends_at",
    "time_zone",
    "venue",
    "category",
    "cancelled_at",
)
FINAL_SUBJECTS: Final = frozenset({"order.cancelled", "order.completed"})
TICKET_STATUS: Final = {"complete": "sold", "created": "reserved", "awaiting:payment": "reserved"}

Check = Callable[[Snapshot], Iterator[str]]


def audit(
    snapshot: Snapshot,
    client_log: ClientLog,
    healthy_since: datetime,
    max_lateness: timedelta = MAX_LATENESS,
) -> list[str]:
    """Return every violation.

    Args:
        snapshot: the stores of the quiescent system.
        client_log: the responses that users received.
        healthy_since: the time from which no component was down and no fault was injected.
        max_lateness: how late an order may end while the system is healthy.
    """
    violations = list(client_log.forbidden_responses)
    for check in CHECKS:
        violations += check(snapshot)
    violations += late_orders(snapshot, healthy_since, max_lateness)
    violations += lost_acknowledged_writes(snapshot, client_log)
    return violations


def one_live_order(snapshot: Snapshot) -> Iterator[str]:
    """Check that each ticket has at most one live order and that its holds are 1, 2, 3, ...

    Orders that were live at the same time earlier are detected by their holds: an order gets the
    next hold only after the previous order has ended, so no order may follow a live one.
    """
    live = Counter(
        str(order["ticket"]["id"])
        for order in snapshot.documents["orders.orders"]
        if order["status"] in LIVE_STATUSES
    )
    for ticket, count in live.items():
        if count > 1:
            yield f"ticket {ticket} has {count} live orders"
    holds = Counter(
        (str(order["ticket"]["id"]), order["ticket"]["hold"])
        for order in snapshot.documents["orders.orders"]
    )
    for (ticket, hold), count in holds.items():
        if count > 1:
            yield f"ticket {ticket} was given hold {hold} {count} times"
    last = Counter[str]()
    for ticket, hold in holds:
        last[ticket] = max(last[ticket], hold)
    for order in snapshot.documents["orders.orders"]:
        ticket, hold = str(order["ticket"]["id"]), order["ticket"]["hold"]
        if order["status"] in LIVE_STATUSES and hold < last[ticket]:
            yield f"order {order['_id']} is {order['status']}, but another was placed after it"
    for ticket, longest in last.items():
        missing = {hold for hold in range(1, longest + 1) if (ticket, hold) not in holds}
        if missing:
            yield f"ticket {ticket} has no order of hold {missing}"


def locks_match_orders(snapshot: Snapshot) -> Iterator[str]:
    """Check that a ticket is locked by its live order, at the order's title and price.

    And that it has applied the last event of its orders.
    """
    last: dict[str, Doc] = {}
    for order in snapshot.documents["orders.orders"]:
        ticket = str(order["ticket"]["id"])
        if ticket not in last or order["ticket"]["hold"] > last[ticket]["ticket"]["hold"]:
            last[ticket] = order
    for ticket_id, ticket in snapshot.by_id("tickets.tickets").items():
        order = last.pop(ticket_id, None)
        expected: tuple[str, str | None] = ("available", None)
        if order is not None and order["status"] in LIVE_STATUSES:
            expected = (TICKET_STATUS[order["status"]], str(order["_id"]))
        if (published_status(ticket), ticket["order_id"]) != expected:
            yield (
                f"ticket {ticket_id} is {ticket['status']} by {ticket['order_id']}, "
                f"expected {expected}"
            )
        if order is not None and order["status"] in LIVE_STATUSES:
            ordered = (order["ticket"]["title"], order["ticket"]["price"])
            if (ticket["title"], ticket["price"]) != ordered:
                yield (
                    f"ticket {ticket_id} is shown as {ticket['title']!r} at {ticket['price']}, "
                    f"ordered as {ordered}"
                )
        expected_fence = (order["ticket"]["hold"], order["version"]) if order else (0, -1)
        if (ticket["hold"], ticket["order_version"]) != expected_fence:
            yield f"ticket {ticket_id} has not applied its orders up to {expected_fence}"
    for ticket_id in last:
        yield f"there is an order on ticket {ticket_id}, which does not exist"


def every_version_published(snapshot: Snapshot) -> Iterator[str]:
    """Check that every committed version has exactly one event, and every event a version."""
    for first_word, (stream, collection) in VERSIONED_AGGREGATES.items():
        published: defaultdict[str, Counter[int]] = defaultdict(Counter)
        events = [e for e in snapshot.streams[stream] if e.subject.startswith(f"{first_word}.")]
        for event in events:
            _, aggregate, version = event.id.split(":")
            published[aggregate][int(version)] += 1
        documents = snapshot.by_id(collection)
        for aggregate, doc in documents.items():
            versions = published.pop(aggregate, Counter())
            if versions != Counter(range(doc["version"] + 1)):
                yield (
                    f"{collection} {aggregate} is at {doc['version']}, "
                    f"published versions: {dict(versions)}"
                )
        for event in events:
            yield from _event_matches_document(event, documents)
        for aggregate in published:
            yield f"{stream} has an event of {aggregate}, which does not exist"
    fired = [i for i, d in snapshot.by_id("expiration.deadlines").items() if d["status"] == "fired"]
    yield from _published_once("expiration.completed", fired, snapshot.streams["expiration"])
    ended = [
        i
        for i, session in snapshot.by_id("auth.sessions").items()
        if session["ended_at"] is not None and not session.get("ended_with_all")
    ]
    yield from _published_once("session.revoked", ended, snapshot.streams["auth"])


def _event_matches_document(event: StoredEvent, documents: dict[str, Doc]) -> Iterator[str]:
    """Check an event's content against its id and, if it is the last one, its document."""
    _, aggregate, version = event.id.split(":")
    body = json.loads(event.data)
    if (body["id"], body["version"]) != (aggregate, int(version)):
        yield f"event {event.id} contains {body['id']} at {body['version']}"
    doc = documents.get(aggregate)
    if doc is None or doc["version"] != int(version):
        return
    if published_status(doc) != body.get("status"):
        yield f"event {event.id} has status {body['status']}, the document {doc['status']}"
    flags = (doc.get("status") == "withdrawn", doc.get("withdrawing", False))
    if flags != (body.get("withdrawn", False), body.get("withdrawing", False)):
        yield f"event {event.id} and its document differ in what is withdrawn"


def _published_once(subject: str, expected: list[str], events: list[StoredEvent]) -> Iterator[str]:
    published = Counter(event.id.split(":")[1] for event in events if event.subject == subject)
    for aggregate, count in (published - Counter(expected)).items():
        yield f"{subject} was published {count} times too often for {aggregate}"
    for aggregate in Counter(expected) - published:
        yield f"{subject} was not published for {aggregate}"


def sessions_match_accounts(snapshot: Snapshot) -> Iterator[str]:
    """Check the number of active sessions, and the end of all sessions of each account."""
    active = Counter(
        session["user_id"]
        for session in snapshot.documents["auth.sessions"]
        if session["ended_at"] is None
    )
    for user_id, count in active.items():
        if count > MAX_SESSIONS:
            yield f"account {user_id} has {count} active sessions"
    last: dict[str, datetime] = {}
    for event in snapshot.streams["auth"]:
        if event.subject == AllSessionsRevoked.subject:
            body = AllSessionsRevoked.model_validate_json(event.data)
            last[body.user_id] = max(body.before, last.get(body.user_id, body.before))
    for user_id, account in snapshot.by_id("auth.accounts").items():
        end = account["sessions_end"] and account["sessions_end"]["before"]
        if end != last.get(user_id):
            yield f"account {user_id} ended its sessions {end}, published was {last.get(user_id)}"
    for session in snapshot.documents["auth.sessions"]:
        end = last.get(session["user_id"])
        if session["ended_at"] is None and end is not None and session["created_at"] < end:
            yield f"session {session['_id']} is active, but all of its account were ended"


def replicas_equal(snapshot: Snapshot) -> Iterator[str]:
    """Check that the copies of tickets and orders in other services equal the originals."""
    tickets = snapshot.by_id("tickets.tickets")
    yield from _same(
        "orders.tickets",
        {
            i: (
                *(t["version"], *offered(t), t["user_id"]),
                *(t["status"] == "withdrawn" or t.get("withdrawing", False), *_show_of(t)),
            )
            for i, t in tickets.items()
        },
        {
            i: (
                *(t["version"], t["title"], t["price"], t["user_id"]),
                *(t.get("withdrawn", False), _show_of(t)[0], t.get("show_cancelled", False)),
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
    deadlines = snapshot.by_id("expiration.deadlines")
    yield from _same(
        "expiration.deadlines",
        {i: o["expires_at"] for i, o in orders.items()},
        {i: d["expires_at"] for i, d in deadlines.items()},
    )
    for order_id, deadline in deadlines.items():
        if deadline["status"] == "waiting":
            yield f"the deadline of order {order_id} is still waiting"


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


def no_backlog(snapshot: Snapshot) -> Iterator[str]:
    """Check that outboxes, consumers and dead letters are empty."""
    for collection, documents in snapshot.documents.items():
        for doc in documents:
            if doc.get("outbox"):
                yield f"{collection} {doc['_id']} has {len(doc['outbox'])} events in its outbox"
    for consumer in snapshot.consumers:
        if consumer.pending or consumer.unacknowledged:
            yield (
                f"{consumer.name} has {consumer.pending} pending "
                f"and {consumer.unacknowledged} unacknowledged"
            )
    for letter in snapshot.streams[DEAD_LETTERS_STREAM]:
        yield f"dead letter: {letter.subject} {letter.data[:200]!r}"


def late_orders(
    snapshot: Snapshot, healthy_since: datetime, max_lateness: timedelta
) -> Iterator[str]:
    """Check that no order ended later than that while the system was healthy."""
    orders = snapshot.by_id("orders.orders")
    for event in snapshot.streams["orders"]:
        order = orders.get(event.id.split(":")[1])
        if event.subject not in FINAL_SUBJECTS or order is None:
            continue
        lateness = event.occurred_at - max(order["expires_at"], healthy_since)
        if lateness > max_lateness:
            yield (
                f"order {order['_id']} was {order['status']} {lateness.total_seconds():.1f} s late"
            )


def early_orders(snapshot: Snapshot) -> Iterator[str]:
    """Check that no order expired before its time, but for the tolerated difference of clocks."""
    orders = snapshot.by_id("orders.orders")
    for event in snapshot.streams["orders"]:
        order = orders.get(event.id.split(":")[1])
        if event.subject != "order.cancelled" or order is None or order["reason"] != "expired":
            continue
        if order.get("detail") == SHOW_CANCELLED:
            continue
        left = order["expires_at"] - event.occurred_at
        if left > EARLY_TOLERANCE:
            yield f"order {order['_id']} expired {left.total_seconds():.1f} s early"


def words_match_tickets(snapshot: Snapshot) -> Iterator[str]:
    """Check that each ticket is found by the terms of its title and its show."""
    for ticket_id, ticket in snapshot.by_id("tickets.tickets").items():
        if ticket["words"] != terms_of(ticket):
            yield f"ticket {ticket_id} is {ticket['title']!r}, but has words {ticket['words']}"


CHECKS: Final[tuple[Check, ...]] = (
    one_live_order,
    paid_once,
    fair_use,
    locks_match_orders,
    withdrawals,
    orders_of_tickets_on_sale,
    cancelled_shows,
    early_orders,
    words_match_tickets,
    every_version_published,
    sessions_match_accounts,
    replicas_equal,
    copies_equal_shows,
    no_backlog,
    declines_counted,
    reported_cards_concealed,
)
