"""The auditor: checks the invariants of the system on a snapshot of its stores."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from auth.domain.session import MAX_SESSIONS
from chaos.acknowledged_writes import lost_acknowledged_writes
from chaos.client_log import ClientLog
from chaos.declines import declines_counted, reported_cards_concealed
from chaos.deletions import deletions_complete, erased_users_left_nothing
from chaos.disputes import frozen_while_disputed, returned_at_most_once
from chaos.fair_use import fair_use
from chaos.ledger import platform_has_what_is_held, statements_equal_ledger
from chaos.letters import one_letter_per_order, sent_letters_arrived
from chaos.money import paid_once
from chaos.payouts import (
    fees_fixed,
    paid_to_active_accounts,
    paid_to_their_sellers,
    payouts_settled,
)
from chaos.published_events import every_version_published
from chaos.refunds import agreed_refunds
from chaos.replicas import copies_equal_shows, replicas_equal
from chaos.sales import (
    SHOW_CANCELLED,
    cancelled_shows,
    orders_of_tickets_on_sale,
    published_status,
    withdrawals,
)
from chaos.snapshot import DEAD_LETTERS_STREAM, Doc, Snapshot
from chaos.vault import (
    acknowledged_originals,
    delivered_as_promised,
    one_listing_per_code,
    one_person_per_sale,
    readings_recorded,
    sealed_was_never_seen,
)
from common.events import AllSessionsRevoked
from orders.domain.order import EARLY_TOLERANCE
from tickets.store.tickets import terms_of

MAX_LATENESS: Final = timedelta(seconds=5)
LIVE_STATUSES: Final = frozenset({"created", "awaiting:payment", "complete"})
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
    violations += paid_to_active_accounts(snapshot, client_log)
    violations += deletions_complete(snapshot, client_log)
    violations += readings_recorded(snapshot, client_log)
    violations += acknowledged_originals(snapshot, client_log)
    violations += agreed_refunds(snapshot, client_log)
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
    payouts_settled,
    fees_fixed,
    paid_to_their_sellers,
    frozen_while_disputed,
    returned_at_most_once,
    platform_has_what_is_held,
    statements_equal_ledger,
    fair_use,
    locks_match_orders,
    withdrawals,
    orders_of_tickets_on_sale,
    cancelled_shows,
    early_orders,
    words_match_tickets,
    one_listing_per_code,
    delivered_as_promised,
    one_person_per_sale,
    sealed_was_never_seen,
    every_version_published,
    sessions_match_accounts,
    one_letter_per_order,
    sent_letters_arrived,
    erased_users_left_nothing,
    replicas_equal,
    copies_equal_shows,
    no_backlog,
    declines_counted,
    reported_cards_concealed,
)
