"""Refunds by consent on the whole system, with every service killed between two of their steps."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from common.testing.polling import eventually
from payments.testing import StripeProbe
from support.api_user import MakeSignedInUser
from support.original_files import make_pdf, new_code
from support.system import System
from ticketing_local.api_user import ApiUser


class Outage:
    """Kills all replicas of a service, and starts them again."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._killed: list[str] = []

    async def kill(self, service: str) -> None:
        """Kill a service."""
        self._killed.append(service)
        for name in self._system.replicas_of(service):
            await asyncio.to_thread(self._system.processes[name].kill)

    async def end(self, service: str) -> None:
        """Start a killed service."""
        self._killed.remove(service)
        replicas = self._system.replicas_of(service)
        for name in replicas:
            self._system.processes[name].start()
        await asyncio.to_thread(self._system.wait_ready, replicas)

    async def end_all(self) -> None:
        """Start what is still killed, also after a test that failed."""
        for service in [*self._killed]:
            await self.end(service)


@pytest.fixture
async def outage(system: System) -> AsyncGenerator[Outage]:
    outage = Outage(system)
    yield outage
    await outage.end_all()


async def buy(buyer: ApiUser, ticket: Any) -> str:
    """Buy a ticket, wait until orders and tickets know that it is paid, and return the order."""
    order = await buyer.order(ticket)
    await buyer.pay(order)
    await buyer.wait_for(f"/api/orders/{order['id']}", status="complete")
    await buyer.wait_for(f"/api/tickets/{ticket['id']}", status="sold")
    return order["id"]


@pytest.mark.nightly
async def test_refund_waits_for_each_killed_service_and_is_made_once(
    outage: Outage, make_signed_in_user: MakeSignedInUser, stripe: StripeProbe
) -> None:
    seller, buyer = make_signed_in_user(), make_signed_in_user()
    sealed, revealed, described = [await seller.sell() for _ in range(3)]
    for ticket in (sealed, revealed):
        await seller.upload(ticket, make_pdf(new_code()))
    orders = [await buy(buyer, ticket) for ticket in (sealed, revealed, described)]
    await buyer.request_ok("POST", f"/api/tickets/{revealed['id']}/pass/reveal", {})
    for order in orders:
        await seller.request_ok("POST", f"/api/orders/{order}/refund-offer", {})

    await outage.kill("payments")
    await outage.kill("tickets")
    for order in orders:
        accepted = await buyer.request_ok("POST", f"/api/orders/{order}/refund-accept", {})
        assert "outcome" not in accepted

    await outage.kill("orders")
    await outage.end("tickets")

    async def is_void() -> bool:
        shown = await buyer.request("GET", f"/api/tickets/{sealed['id']}/pass")
        return shown.status_code == 200 and shown.json()["state"] == "void"

    assert await eventually(is_void)

    await outage.end("orders")
    for order in orders:
        await buyer.wait_for(f"/api/orders/{order}", outcome="returning")
    assert [await stripe.refunds(order) for order in orders] == [[], [], []]

    await outage.end("payments")
    for order in orders:
        await buyer.wait_for(f"/api/orders/{order}", outcome="refunded")
        assert [refund.amount for refund in await stripe.refunds(order)] == [2000]
    opened = [
        (await buyer.request("GET", f"/api/tickets/{ticket['id']}/pass/file")).status_code
        for ticket in (sealed, revealed)
    ]
    assert opened == [410, 200]
