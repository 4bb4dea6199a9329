"""Tests of `make seed`: a shop to look at, which a second run does not change."""

from typing import Any

from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.commands.sample_shows import SELLERS
from ticketing_local.commands.seed import PASSWORD, seed


async def listed_tickets(address: str) -> list[Any]:
    tickets: list[Any] = []
    for email in SELLERS:
        async with ApiUser(address, email, PASSWORD) as seller:
            await seller.request_ok("POST", "/api/users/signin", seller.credentials)
            tickets += await seller.request_ok("GET", "/api/tickets/mine")
    return tickets


async def test_second_seed_adds_nothing_to_the_first(system: System) -> None:
    await seed(system.address)
    first = await listed_tickets(system.address)

    await seed(system.address)

    assert await listed_tickets(system.address) == first
    assert len(first) == 60
    assert len({ticket["showId"] for ticket in first}) == 12
    assert len({str((ticket["showId"], ticket["title"], ticket["seat"])) for ticket in first}) == 60
    assert all(ticket["price"] <= ticket["faceValue"] for ticket in first)
