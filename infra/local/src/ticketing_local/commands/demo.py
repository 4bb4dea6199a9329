"""`make demo`: one purchase and one expiration on the running stack, step by step."""

import asyncio
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

import click

from ticketing_local.api_user import ApiUser

MAX_WATCH_SECONDS = 60  # a longer order is cancelled instead of waited for
EXPIRATION_TOLERANCE_SECONDS = 10


async def demo(address: str) -> None:
    """Sign up a seller and a buyer, sell one ticket, and let the order of another expire."""
    click.echo(f"On {address}, with two new users:\n")
    password = secrets.token_urlsafe(12)
    async with (
        await ApiUser.sign_up(address, "seller", password) as seller,
        await ApiUser.sign_up(address, "buyer", password) as buyer,
    ):
        for user in (seller, buyer):
            click.echo(f"+ {user.email} signed up")
        first = await _list_ticket(seller, "Cello suites, row 3", 48.5)
        second = await _list_ticket(seller, "Jazz cellar, standing", 15)
        await _buy(buyer, first)
        await _let_expire(buyer, second)
    click.echo("\nThe demo succeeded.")


async def _list_ticket(seller: ApiUser, title: str, price: float) -> Any:
    ticket = await seller.sell(title, price)
    click.echo(f"+ the seller lists {title!r} for ${price:.2f}")
    return ticket


async def _buy(buyer: ApiUser, ticket: Any) -> None:
    order = await _order(buyer, ticket)
    await buyer.pay(order)
    click.echo(f"+ the buyer pays ${ticket['price']:.2f} by card (Stripe's test card tok_visa)")
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    click.echo("  the order is complete")
    await _wait_until_listed(buyer, ticket, listed=False)
    click.echo("  the ticket is sold and no longer listed")


async def _let_expire(buyer: ApiUser, ticket: Any) -> None:
    order = await _order(buyer, ticket)
    seconds_left = _seconds_left(order)
    if seconds_left > MAX_WATCH_SECONDS:
        await buyer.request_ok("DELETE", f"/api/orders/{order['id']}", expect=204)
        minutes = f"{seconds_left / 60:.0f} min"
        click.echo(f"+ the buyer cancels: the order would have expired in {minutes}")
        click.echo("  (to watch that: ORDER_EXPIRATION_SECONDS=10 make start)")
    else:
        click.echo("+ the buyer leaves; the order expires")
        await _count_down(order)
    timeout = max(_seconds_left(order), 0) + EXPIRATION_TOLERANCE_SECONDS
    await buyer.wait_for(f"/api/orders/{order['id']}", timeout, status="cancelled")
    click.echo("  the order is cancelled")
    await _wait_until_listed(buyer, ticket, listed=True)
    click.echo("  the ticket is available and listed again")


async def _order(buyer: ApiUser, ticket: Any) -> Any:
    order = await buyer.order(ticket)
    seconds = f"{_seconds_left(order):.0f} s"
    click.echo(f"+ the buyer orders {ticket['title']!r} and has {seconds} to pay")
    await _wait_until_listed(buyer, ticket, listed=False)
    click.echo("  the ticket is reserved and no longer listed")
    return order


async def _wait_until_listed(viewer: ApiUser, ticket: Any, *, listed: bool) -> None:
    def is_as_expected(page: Any) -> bool:
        return listed == any(shown["id"] == ticket["id"] for shown in page)

    await viewer.poll("/api/tickets", is_as_expected)


def _seconds_left(order: Any) -> float:
    return (datetime.fromisoformat(order["expiresAt"]) - datetime.now(UTC)).total_seconds()


async def _count_down(order: Any) -> None:
    is_terminal = sys.stdout.isatty()
    while (seconds_left := _seconds_left(order)) > 0:
        click.echo(f"  {seconds_left:3.0f} s left" + ("\r" if is_terminal else "\n"), nl=False)
        await asyncio.sleep(min(seconds_left, 1 if is_terminal else 5))
