"""`make seed`: sample users and tickets. Run again, it adds only what is missing."""

from http import HTTPStatus

import click

from ticketing_local.api_user import ApiUser

PASSWORD = "ticketing"  # noqa: S105 - of users that only this script creates
LISTINGS = {
    "ada@example.com": [("Cello suites, row 3", 48), ("Jazz cellar, standing", 15.5)],
    "ben@example.com": [("City derby, north stand", 72), ("Winter marathon, start place", 35)],
    "eve@example.com": [("Open air cinema", 9.9), ("Improv night", 12), ("Opera, balcony", 119)],
}


async def seed(address: str) -> None:
    """Create each missing user and ticket."""
    for email, tickets in LISTINGS.items():
        async with ApiUser(address, email, PASSWORD) as seller:
            response = await seller.request("POST", "/api/users/signin", seller.credentials)
            if response.status_code != HTTPStatus.OK:
                await seller.create_account()
            listed = {t["title"] for t in await seller.request_ok("GET", "/api/tickets/mine")}
            missing = [(title, price) for title, price in tickets if title not in listed]
            for title, price in missing:
                await seller.sell(title, price)
            click.echo(f"{email} has {len(tickets)} tickets ({len(missing)} new)")
    click.echo(f"The password of every user is {PASSWORD!r}. Open {address}")
