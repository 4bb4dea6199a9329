"""A rollout under load: replicas restart one by one and no request fails."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx

from common.testing.polling import eventually
from support.api_user import MakeSignedInUser
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.stack.ports import SERVICES

PAUSE_SECONDS = 0.2
"""The pause between actions, for about fifty requests per second in total."""


@dataclass
class Workload:
    """Users who list, order, pay and browse, and the responses they received."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    failures: list[str] = field(default_factory=list[str])
    paid: list[tuple[ApiUser, Any]] = field(default_factory=list[tuple[ApiUser, Any]])
    listed: list[Any] = field(default_factory=list[Any])
    stopped: bool = False

    async def request(self, user: ApiUser, method: str, path: str, body: object = None) -> Any:
        """Send a request, retried on 404. Record a 5xx or a broken connection as a failure."""
        while True:
            try:
                response = await user.request(method, path, body)
            except httpx.TransportError as error:
                self.failures.append(f"{method} {path}: {error!r}")
                return None
            self.statuses[response.status_code] += 1
            if response.status_code >= 500:
                self.failures.append(f"{method} {path}: {response.status_code} {response.text}")
            if response.status_code != 404:
                return response.json() if response.content else None
            await asyncio.sleep(0.05)  # the event has not arrived yet

    async def trade(self, seller: ApiUser, buyers: Sequence[ApiUser]) -> None:
        """Sell, and buy as each buyer in turn, until stopped.

        An order that was paid counts as unpaid until orders has the event of its payment.
        """
        for buyer in cycle(buyers):
            if self.stopped:
                return
            ticket = await self.request(
                seller, "POST", "/api/tickets", {"title": "Row 1", "price": 9}
            )
            if self.failures:
                return  # which the test reports, and not that the body has no id
            self.listed.append(ticket)
            order = await self.request(buyer, "POST", "/api/orders", {"ticketId": ticket["id"]})
            if self.failures:
                return
            pay = {"token": "tok_visa", "orderId": order["id"]}
            await self.request(buyer, "POST", "/api/payments", pay)
            self.paid.append((buyer, order))
            await asyncio.sleep(PAUSE_SECONDS)

    async def browse(self, user: ApiUser) -> None:
        """Read lists until stopped."""
        while not self.stopped:
            for path in ("/api/tickets", "/api/orders", "/api/users/currentuser"):
                await self.request(user, "GET", path)
            await self.request(user, "POST", "/api/users/refresh", {})
            await asyncio.sleep(PAUSE_SECONDS)

    async def watch_events(self, user: ApiUser) -> None:
        """Read an event stream, reconnecting when it ends, until stopped."""
        while not self.stopped:
            async with user.http.stream("GET", "/api/tickets/events") as stream:
                if stream.status_code != 200:
                    self.failures.append(f"events: {stream.status_code}")
                try:
                    async for _ in stream.aiter_bytes():
                        if self.stopped:
                            return
                except httpx.TransportError:
                    continue  # a broken stream is no failure: missed events are replayed


async def test_rolling_restart_loses_no_request(
    system: System, seller: ApiUser, buyer: ApiUser, make_signed_in_user: MakeSignedInUser
) -> None:
    load = Workload()
    activities = [
        *(
            load.trade(make_signed_in_user(), [make_signed_in_user() for _ in range(8)])
            for _ in range(2)
        ),
        load.browse(seller),
        load.browse(buyer),
        load.watch_events(make_signed_in_user()),
        load.watch_events(make_signed_in_user()),
    ]
    tasks = [asyncio.create_task(each) for each in activities]
    for replicas in zip(*(system.replicas_of(service) for service in SERVICES), strict=True):
        await asyncio.to_thread(system.restart, replicas)  # as `kubectl rollout restart` does
    await asyncio.to_thread(system.restart, ["worker"])
    load.stopped = True
    await asyncio.gather(*tasks)
    assert load.failures == []
    assert set(load.statuses) <= {200, 201, 404}, load.statuses
    assert len(load.paid) > 10

    async def is_sold() -> bool:
        orders = [
            (await user.request("GET", f"/api/orders/{order['id']}")).json()["status"]
            for user, order in load.paid
        ]
        tickets = [
            (await seller.request("GET", f"/api/tickets/{ticket['id']}")).json()["status"]
            for ticket in load.listed
        ]
        return set(orders) == {"complete"} and set(tickets) == {"sold"}

    await eventually(is_sold)
