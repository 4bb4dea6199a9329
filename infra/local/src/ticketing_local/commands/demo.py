"""`make demo`: one purchase and one order that runs out, step by step on the running system."""

import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

from ticketing_local.api_client import Person, running_address, until
from ticketing_local.commands.start import tell
from ticketing_local.errors import Trouble

SHORT = 60  # seconds that someone may be asked to watch
LATE = 10  # seconds after its window in which an order must be gone


def demo(address: str) -> None:
    """Play the seller and the buyer."""
    run = secrets.token_hex(4)
    password = secrets.token_urlsafe(12)
    tell(f"On {address}, with two new users:\n")
    with (
        Person(address, f"seller-{run}@example.com", password) as seller,
        Person(address, f"buyer-{run}@example.com", password) as buyer,
    ):
        for person in (seller, buyer):
            person.sign_up()
            tell(f"+ {person.email} signed up")
        first = _list(seller, "Cello suites, row 3", 48.5)
        second = _list(seller, "Jazz cellar, standing", 15)
        _buy(buyer, first)
        _let_go(buyer, second)
    tell("\nAll of it happened as it should.")


def _list(seller: Person, title: str, price: float) -> Any:
    ticket = seller.ask("POST", "/api/tickets", {"title": title, "price": price}, expect=201)
    tell(f"+ the seller lists {title!r} for ${price:.2f}")
    return ticket


def _buy(buyer: Person, ticket: Any) -> None:
    order = _order(buyer, ticket)
    paid = {"token": "tok_visa", "orderId": order["id"]}
    buyer.ask("POST", "/api/payments", paid, expect=201)
    tell(f"+ the buyer pays ${ticket['price']:.2f} by card (Stripe's test card tok_visa)")
    until("the order is complete", lambda: _status(buyer, order) == "complete")
    tell("  the order is complete")
    _expect_listed(buyer, ticket, listed=False)
    tell("  the ticket is sold: nobody else sees it")


def _let_go(buyer: Person, ticket: Any) -> None:
    order = _order(buyer, ticket)
    left = _seconds_left(order)
    if left > SHORT:
        buyer.ask("DELETE", f"/api/orders/{order['id']}", expect=204)
        tell(f"+ the buyer cancels: the order would have run out by itself in {left / 60:.0f} min")
        tell("  (to watch that: ORDER_EXPIRATION_SECONDS=10 make start)")
    else:
        tell("+ the buyer walks away; the order runs out by itself")
        _count_down(order)
    until(
        "the order is cancelled",
        lambda: _status(buyer, order) == "cancelled",
        max(_seconds_left(order), 0) + LATE,
    )
    tell("  the order is cancelled")
    _expect_listed(buyer, ticket, listed=True)
    tell("  the ticket is free: everyone sees it again")


def _order(buyer: Person, ticket: Any) -> Any:
    order = buyer.ask("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=201)
    tell(f"+ the buyer orders {ticket['title']!r} and has {_seconds_left(order):.0f} s to pay")
    _expect_listed(buyer, ticket, listed=False)
    tell("  the ticket is locked: nobody else sees it")
    return order


def _status(buyer: Person, order: Any) -> str:
    return buyer.ask("GET", f"/api/orders/{order['id']}")["status"]


def _expect_listed(anyone: Person, ticket: Any, *, listed: bool) -> None:
    until(
        f"the ticket is {'listed' if listed else 'not listed'}",
        lambda: (
            listed == any(one["id"] == ticket["id"] for one in anyone.ask("GET", "/api/tickets"))
        ),
    )


def _seconds_left(order: Any) -> float:
    return (datetime.fromisoformat(order["expiresAt"]) - datetime.now(UTC)).total_seconds()


def _count_down(order: Any) -> None:
    end = "\r" if sys.stdout.isatty() else "\n"
    while (left := _seconds_left(order)) > 0:
        print(f"  {left:3.0f} s left", end=end, flush=True)
        time.sleep(min(left, 1 if sys.stdout.isatty() else 5))


if __name__ == "__main__":
    try:
        demo(running_address())
    except Trouble as trouble:
        sys.exit(f"\nThe demo went wrong. {trouble}")
