"""Originals on the whole system: sold, revealed and sold again, while NATS or tickets are down."""

import asyncio
from collections import Counter
from typing import Any

import httpx

from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.web.idempotency import LEASE
from support.api_user import MakeSignedInUser, at_replica
from support.original_files import make_pdf, new_code
from support.system import System
from ticketing_local.api_user import ApiUser

REFUSED = (401, 409)


async def buy(buyer: ApiUser, ticket: Any) -> Any:
    """Buy a ticket, and wait until its original is the buyer's."""
    order = await buyer.order(ticket)
    await buyer.pay(order)
    await buyer.poll(f"/api/tickets/{ticket['id']}/pass", lambda shown: shown.get("canReveal"))
    return order


async def read(user: ApiUser, ticket: Any) -> httpx.Response:
    return await user.request("GET", f"/api/tickets/{ticket['id']}/pass/file")


async def reveal(user: ApiUser, ticket: Any, *, expect: int = 200) -> Any:
    path = f"/api/tickets/{ticket['id']}/pass/reveal"
    return await user.request_ok("POST", path, {}, expect=expect)


async def list_again(user: ApiUser, order: Any, key: str) -> Any:
    """List a bought ticket again, and repeat the request until it is answered."""
    body = {"title": "Row 1", "price": 15, "fromOrderId": order["id"]}

    refusals = Counter[str]()

    async def answered() -> Any:
        try:
            response = await user.request(
                "POST", "/api/tickets", body, headers={"Idempotency-Key": key}
            )
        except httpx.TransportError as error:
            refusals[repr(error)] += 1
            return None
        if response.status_code == 201:
            return response.json()
        refusals[f"{response.status_code} {response.text}"] += 1
        return None

    claimed_seconds = LEASE.total_seconds()  # a killed process may have claimed the key
    try:
        return await eventually(answered, claimed_seconds + TIMEOUT_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{error}, but {refusals}") from None


async def test_original_goes_from_hand_to_hand_while_nats_and_tickets_are_down(
    system: System, make_signed_in_user: MakeSignedInUser
) -> None:
    seller, first, second, stranger = (make_signed_in_user() for _ in range(4))
    file = make_pdf(new_code())
    ticket = await seller.sell()
    protected = await seller.upload(ticket, file)
    assert protected["protection"] == {"grade": "vault", "symbologies": ["qr"], "revealed": False}
    order = await buy(first, ticket)

    await asyncio.to_thread(system.processes["nats"].kill)
    try:
        async with at_replica(system.replica_address("tickets"), first) as direct:
            await reveal(direct, ticket)
            content = (await read(direct, ticket)).content
            listed = await list_again(direct, order, "while NATS is down")
    finally:
        system.processes["nats"].start()
        await asyncio.to_thread(system.wait_ready)
    await asyncio.to_thread(system.restart, system.replicas_of("tickets"))

    assert content == file
    assert listed["protection"]["revealed"] is True
    assert (await read(first, ticket)).content == file
    for user in (seller, second, stranger):
        for one in (ticket, listed):
            assert (await read(user, one)).status_code == 401
    await buy(second, listed)
    await reveal(second, listed)
    assert (await read(second, listed)).content == file
    for user in (seller, first, stranger):
        for one in (ticket, listed):
            assert (await read(user, one)).status_code in REFUSED


async def test_resales_that_kills_interrupt_are_completed_once(
    system: System, make_signed_in_user: MakeSignedInUser
) -> None:
    seller, buyer = make_signed_in_user(), make_signed_in_user()
    tickets = [await seller.sell() for _ in range(4)]
    for ticket in tickets:
        await seller.upload(ticket, make_pdf(new_code()))
    orders = [await buy(buyer, ticket) for ticket in tickets]

    resales = [
        asyncio.create_task(list_again(buyer, order, f"killed {n}"))
        for n, order in enumerate(orders)
    ]
    for name in system.replicas_of("tickets"):
        await asyncio.to_thread(system.processes[name].kill)
        system.processes[name].start()
    listed = await asyncio.gather(*resales)
    await asyncio.to_thread(system.wait_ready)

    assert [one["protection"]["grade"] for one in listed] == ["vault"] * len(orders)
    mine = (await buyer.request("GET", "/api/tickets/mine")).json()
    assert {one["id"] for one in mine} == {one["id"] for one in listed}
    for ticket, again in zip(tickets, listed, strict=True):
        shown = (await buyer.request("GET", f"/api/tickets/{ticket['id']}/pass")).json()
        assert shown["listedAgainAs"] == again["id"]
    await reveal(buyer, tickets[0], expect=409)
