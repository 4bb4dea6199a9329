"""A rollout under load: replicas are stopped and started one by one, and nobody notices."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from common.testing.plugin import eventually
from support.api_user import Known, Person
from support.system import SERVICES, System

PAUSE = 0.2
"""Seconds between two things that somebody does: some fifty requests a second in all."""


@dataclass
class Load:
    """People who go on listing, ordering, paying and looking, and note every answer."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    wrong: list[str] = field(default_factory=list[str])
    paid: list[tuple[Person, Any]] = field(default_factory=list[tuple[Person, Any]])
    listed: list[Any] = field(default_factory=list[Any])
    over: bool = False

    async def ask(self, who: Person, method: str, path: str, body: object = None) -> Any:
        """Ask, and note what must not be: a 5xx, or no answer at all."""
        while True:
            try:
                answer = await who.send(method, path, body)
            except httpx.TransportError as error:
                self.wrong.append(f"{method} {path}: {error!r}")
                return None
            self.statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text}")
            if answer.status_code != 404:
                return answer.json() if answer.content else None
            await asyncio.sleep(0.05)  # not heard of yet

    async def trade(self, seller: Person, buyer: Person) -> None:
        """Sell and buy until the load is over."""
        while not self.over:
            ticket = await self.ask(seller, "POST", "/api/tickets", {"title": "Row 1", "price": 9})
            self.listed.append(ticket)
            order = await self.ask(buyer, "POST", "/api/orders", {"ticketId": ticket["id"]})
            pay = {"token": "tok_visa", "orderId": order["id"]}
            await self.ask(buyer, "POST", "/api/payments", pay)
            self.paid.append((buyer, order))
            await asyncio.sleep(PAUSE)

    async def look(self, who: Person) -> None:
        """Look around until the load is over."""
        while not self.over:
            for path in ("/api/tickets", "/api/orders", "/api/users/currentuser"):
                await self.ask(who, "GET", path)
            await self.ask(who, "POST", "/api/users/refresh", {})
            await asyncio.sleep(PAUSE)

    async def watch(self, who: Person) -> None:
        """Have a screen open, which comes back by itself, until the load is over."""
        while not self.over:
            async with who.http.stream("GET", "/api/tickets/events") as screen:
                if screen.status_code != 200:
                    self.wrong.append(f"events: {screen.status_code}")
                try:
                    async for _ in screen.aiter_bytes():
                        if self.over:
                            return
                except httpx.TransportError:
                    continue  # a screen may be cut; what it missed it gets when it is back


@pytest.mark.timeout(300)
async def test_a_rolling_restart_of_every_service_loses_no_request_and_answers_no_5xx(
    system: System, seller: Person, buyer: Person, known: Known
) -> None:
    load = Load()
    people = [
        *(load.trade(known(), known()) for _ in range(2)),
        load.look(seller),
        load.look(buyer),
        load.watch(known()),
        load.watch(known()),
    ]
    tasks = [asyncio.create_task(each) for each in people]
    for replicas in zip(*(system.replicas_of(service) for service in SERVICES), strict=True):
        await asyncio.to_thread(system.restart, replicas)  # as `kubectl rollout restart` does
    await asyncio.to_thread(system.restart, ["worker"])
    load.over = True
    await asyncio.gather(*tasks)
    assert load.wrong == []
    assert set(load.statuses) <= {200, 201, 404}, load.statuses
    assert len(load.paid) > 10

    async def sold() -> bool:
        orders = [
            (await who.send("GET", f"/api/orders/{order['id']}")).json()["status"]
            for who, order in load.paid
        ]
        tickets = [
            (await seller.send("GET", f"/api/tickets/{ticket['id']}")).json()["status"]
            for ticket in load.listed
        ]
        return set(orders) == {"complete"} and set(tickets) == {"sold"}

    await eventually(sold, 20)
