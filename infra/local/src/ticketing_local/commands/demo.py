"""`make demo`: one purchase and one order that runs out, step by step on the running system."""

import secrets
import sys
import time
from datetime import UTC, datetime
from typing import Any

from ticketing_local.api_client import ApiUser, gateway_address, wait_until
from ticketing_local.commands.start import print_line
from ticketing_local.errors import CliError

MAX_WATCH_SECONDS = 60  # seconds that someone may be asked to watch
EXPIRATION_TOLERANCE_SECONDS = 10  # seconds after its window in which an order must be gone


def demo(address: str) -> None:
    """Play the seller and the buyer."""
    run_id = secrets.token_hex(4)
    password = secrets.token_urlsafe(12)
    print_line(f"On {address}, with two new users:\n")
    with (
        ApiUser(address, f"seller-{run_id}@example.com", password) as seller,
        ApiUser(address, f"buyer-{run_id}@example.com", password) as buyer,
    ):
        for user in (seller, buyer):
            user.sign_up()
            print_line(f"+ {user.email} signed up")
        first = _list_ticket(seller, "Cello suites, row 3", 48.5)
        second = _list_ticket(seller, "Jazz cellar, standing", 15)
        _buy(buyer, first)
        _let_expire(buyer, second)
    print_line("\nAll of it happened as it should.")


def _list_ticket(seller: ApiUser, title: str, price: float) -> Any:
    ticket = seller.request_ok("POST", "/api/tickets", {"title": title, "price": price}, expect=201)
    print_line(f"+ the seller lists {title!r} for ${price:.2f}")
    return ticket


def _buy(buyer: ApiUser, ticket: Any) -> None:
    order = _order(buyer, ticket)
    payment = {"token": "tok_visa", "orderId": order["id"]}
    buyer.request_ok("POST", "/api/payments", payment, expect=201)
    print_line(f"+ the buyer pays ${ticket['price']:.2f} by card (Stripe's test card tok_visa)")
    wait_until("the order is complete", lambda: _status(buyer, order) == "complete")
    print_line("  the order is complete")
    _expect_listed(buyer, ticket, listed=False)
    print_line("  the ticket is sold and no longer listed")


def _let_expire(buyer: ApiUser, ticket: Any) -> None:
    order = _order(buyer, ticket)
    seconds_left = _seconds_left(order)
    if seconds_left > MAX_WATCH_SECONDS:
        buyer.request_ok("DELETE", f"/api/orders/{order['id']}", expect=204)
        print_line(
            f"+ the buyer cancels: the order would have expired in {seconds_left / 60:.0f} min"
        )
        print_line("  (to watch that: ORDER_EXPIRATION_SECONDS=10 make start)")
    else:
        print_line("+ the buyer leaves; the order expires")
        _count_down(order)
    wait_until(
        "the order is cancelled",
        lambda: _status(buyer, order) == "cancelled",
        max(_seconds_left(order), 0) + EXPIRATION_TOLERANCE_SECONDS,
    )
    print_line("  the order is cancelled")
    _expect_listed(buyer, ticket, listed=True)
    print_line("  the ticket is available and listed again")


def _order(buyer: ApiUser, ticket: Any) -> Any:
    order = buyer.request_ok("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=201)
    print_line(
        f"+ the buyer orders {ticket['title']!r} and has {_seconds_left(order):.0f} s to pay"
    )
    _expect_listed(buyer, ticket, listed=False)
    print_line("  the ticket is reserved and no longer listed")
    return order


def _status(buyer: ApiUser, order: Any) -> str:
    return buyer.request_ok("GET", f"/api/orders/{order['id']}")["status"]


def _expect_listed(viewer: ApiUser, ticket: Any, *, listed: bool) -> None:
    wait_until(
        f"the ticket is {'listed' if listed else 'not listed'}",
        lambda: (
            listed
            == any(one["id"] == ticket["id"] for one in viewer.request_ok("GET", "/api/tickets"))
        ),
    )


def _seconds_left(order: Any) -> float:
    return (datetime.fromisoformat(order["expiresAt"]) - datetime.now(UTC)).total_seconds()


def _count_down(order: Any) -> None:
    end = "\r" if sys.stdout.isatty() else "\n"
    while (seconds_left := _seconds_left(order)) > 0:
        print(f"  {seconds_left:3.0f} s left", end=end, flush=True)
        time.sleep(min(seconds_left, 1 if sys.stdout.isatty() else 5))


if __name__ == "__main__":
    try:
        demo(gateway_address())
    except CliError as error:
        sys.exit(f"\nThe demo went wrong. {error}")
