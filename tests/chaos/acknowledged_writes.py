"""The check that every acknowledged write is stored."""

from collections import Counter
from collections.abc import Iterator

from chaos.client_log import ClientLog
from chaos.snapshot import Snapshot


def lost_acknowledged_writes(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    """Yield every acknowledged write that the snapshot does not contain."""
    yield from _accounts(snapshot, client_log)
    yield from _tickets(snapshot, client_log)
    yield from _withdrawals(snapshot, client_log)
    orders = snapshot.by_id("orders.orders")
    for order_id, buyer in client_log.orders.items():
        if order_id not in orders or orders[order_id]["user_id"] != buyer:
            yield f"order {order_id} was placed by {buyer}, but is {orders.get(order_id)}"
    for order_id in client_log.cancelled:
        status = orders[order_id]["status"] if order_id in orders else None
        if status != "cancelled":
            yield f"order {order_id} was cancelled, but is {status}"
    sessions = snapshot.by_id("auth.sessions")
    for session_id in client_log.ended_sessions:
        if session_id not in sessions or sessions[session_id]["ended_at"] is None:
            yield f"session {session_id} was ended, but is active"
    for replica in snapshot.accepting_replicas:
        yield f"an ended session is accepted by {replica}"
    charges = snapshot.by_id("payments.charges")
    for order_id, charge_id in client_log.paid.items():
        status = charges[charge_id]["status"] if charge_id in charges else None
        # `paid_once` checks when a refund may fail, after a bank gave a part back.
        if status not in {"succeeded", "refunded", "refund_failed"}:
            yield f"order {order_id} was paid, but its charge is {status}"


def _accounts(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    accounts = {doc["email"]: str(doc["_id"]) for doc in snapshot.documents["auth.accounts"]}
    for email, user_id in client_log.accounts.items():
        if accounts.get(email) != user_id:
            yield f"{email} was acknowledged as {user_id}, but is {accounts.get(email)}"


def _tickets(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    tickets = snapshot.by_id("tickets.tickets")
    titles = Counter(ticket["title"] for ticket in tickets.values())
    for ticket_id, title in client_log.tickets.items():
        if ticket_id not in tickets:
            yield f"ticket {ticket_id} was listed, but does not exist"
        elif titles[title] != 1:
            yield f"ticket {title!r} was listed once, but exists {titles[title]} times"
    for ticket_id, version in client_log.edits:
        if ticket_id in tickets and tickets[ticket_id]["version"] < version:
            yield f"the edit of ticket {ticket_id} to version {version} is lost"
    for ticket_id, price in client_log.offered_prices.items():
        if ticket_id not in tickets or price is None:
            continue
        ticket = tickets[ticket_id]
        stored = (ticket.get("late_edit") or ticket)["price"]
        if stored != round(price * 100):
            yield f"ticket {ticket_id} is offered at {stored}, its seller's last edit said {price}"


def _withdrawals(snapshot: Snapshot, client_log: ClientLog) -> Iterator[str]:
    tickets = snapshot.by_id("tickets.tickets")
    for ticket_id in client_log.withdrawn:
        ticket = tickets.get(ticket_id, {})
        if ticket.get("status") not in {"withdrawn", "sold"} and not ticket.get("withdrawing"):
            yield f"ticket {ticket_id} was withdrawn, but is {ticket.get('status')}"
