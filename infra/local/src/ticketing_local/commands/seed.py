"""`make seed`: sample users, shows and tickets. Run again, it adds only what is missing."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import click

from ticketing_local.api_user import ApiUser
from ticketing_local.commands.sample_shows import SELLERS, SampleShow

PASSWORD = "ticketing"  # noqa: S105 - of users that only this script creates


async def seed(address: str) -> None:
    """Create each missing user, show and ticket."""
    for email, shows in SELLERS.items():
        async with ApiUser(address, email, PASSWORD) as seller:
            response = await seller.request("POST", "/api/users/signin", seller.credentials)
            if response.status_code != HTTPStatus.OK:
                await seller.create_account()
            mine = await seller.request_ok("GET", "/api/tickets/mine")
            listed = {(ticket.get("showId"), ticket["title"], _place(ticket)) for ticket in mine}
            created = 0
            for show in shows:
                show_id = await _find_or_create(seller, show)
                for ticket in show.tickets():
                    if (show_id, ticket["title"], _place(ticket)) not in listed:
                        body = {**ticket, "showId": show_id}
                        await seller.request_ok("POST", "/api/tickets", body, expect=201)
                        created += 1
            click.echo(f"{email} sells tickets for {len(shows)} shows ({created} tickets new)")
    click.echo(f"The password of every user is {PASSWORD!r}. Open {address}")


async def _find_or_create(seller: ApiUser, show: SampleShow) -> str:
    """Return the id of the upcoming show of this name and venue."""
    body = show.body(datetime.now(UTC).date())
    query = urlencode({"q": show.name, "city": body["venue"]["city"]})
    found: list[Any] = await seller.request_ok("GET", f"/api/tickets/shows?{query}")
    for existing in found:
        if (existing["name"], existing["venue"]) == (body["name"], body["venue"]):
            return existing["id"]
    new = {**body, "another": True}
    created = await seller.request_ok("POST", "/api/tickets/shows", new, expect=201)
    return created["id"]


def _place(ticket: dict[str, Any]) -> str:
    """Return what distinguishes the seats of a section."""
    seat: dict[str, str] = ticket.get("seat") or {}
    return str(sorted(seat.items()))
