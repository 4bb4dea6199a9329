"""Friendly users, whose requests are counted: they browse, sell, order, pay, sign in and watch."""

import asyncio
import contextlib
import random
import secrets
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from siege.journal import Journal
from ticketing_local.api_user import CERTIFICATES, PASSWORD, VISA, new_email

TIMEOUT_SECONDS: Final = 10.0
THINK_SECONDS: Final = (0.1, 0.5)
EVENT_DELAY_SECONDS: Final = 2.0
"""How long another service may answer 404 for what was just created."""
STREAM_SECONDS: Final = 2.0
MIN_MARKET_SIZE: Final = 4
"""Tickets that stay listed, so that each is known everywhere before it is ordered."""
NOT_FOUND: Final = 404
PAGE: Final = "page"
"""The step that opens a page, which only one process can render."""


@dataclass
class Market:
    """The tickets that friendly users sell to each other."""

    words: str = field(default_factory=lambda: f"w{secrets.token_hex(3)}")
    tickets: deque[Any] = field(default_factory=deque[Any])


class FriendlyUser:
    """A user with a browser: one address, one cookie jar."""

    def __init__(
        self,
        base_url: str,
        address: str,
        journal: Journal,
        market: Market,
        *,
        order_statuses: Sequence[int] = (201,),
        opens_pages: bool = False,
    ) -> None:
        self.email = new_email("friendly")
        self._credentials = {"email": self.email, "password": PASSWORD}
        self._journal = journal
        self._market = market
        self._order_statuses = order_statuses
        self._opens_pages = opens_pages
        transport = httpx.AsyncHTTPTransport(local_address=address, verify=CERTIFICATES)
        self._http = httpx.AsyncClient(
            base_url=base_url, timeout=TIMEOUT_SECONDS, transport=transport, trust_env=False
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Sign up, and begin to use the system."""
        await self._request(
            "sign up", "POST", "/api/users/signup", self._credentials, expect=(201,)
        )
        self._tasks = [asyncio.create_task(self._visit()), asyncio.create_task(self._watch())]

    async def stop(self) -> None:
        """Stop, and close the connections.

        Raises:
            Exception: what stopped the user earlier.
        """
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _visit(self) -> None:
        while True:
            for step in (self._browse, self._sell, self._buy, self._browse, self._sign_in_again):
                await step()
                await asyncio.sleep(random.uniform(*THINK_SECONDS))

    async def _browse(self) -> None:
        await self._request("browse", "GET", "/api/tickets?limit=20")
        await self._request("search", "GET", f"/api/tickets?q={self._market.words}&limit=10")
        if self._market.tickets:
            ticket = random.choice(self._market.tickets)
            await self._request("view", "GET", f"/api/tickets/{ticket['id']}")
        if self._opens_pages:
            await self._request(PAGE, "GET", "/")

    async def _sell(self) -> None:
        price = random.randrange(100, 5_000) / 100
        body = {"title": f"Seat {self._market.words} {secrets.token_hex(3)}", "price": price}
        response = await self._request("sell", "POST", "/api/tickets", body, expect=(201,))
        if response is not None:
            self._market.tickets.append({**response.json(), "seller": self.email})

    async def _buy(self) -> None:
        tickets = self._market.tickets
        if len(tickets) < MIN_MARKET_SIZE or tickets[0]["seller"] == self.email:
            return
        ticket = tickets.popleft()
        body = {"ticketId": ticket["id"], "price": ticket["price"]}
        placed = await self._request(
            "order", "POST", "/api/orders", body, expect=self._order_statuses
        )
        if placed is None or placed.status_code not in {200, 201}:
            return
        order = placed.json()
        payment = {"token": VISA, "orderId": order["id"]}
        await self._request("pay", "POST", "/api/payments", payment, expect=(201,))
        await self._request("view order", "GET", f"/api/orders/{order['id']}")

    async def _sign_in_again(self) -> None:
        if random.random() < 0.5:
            return
        await self._request("sign out", "POST", "/api/users/signout", {})
        signed_in = None
        while signed_in is None:
            await asyncio.sleep(random.uniform(*THINK_SECONDS))
            signed_in = await self._request(
                "sign in", "POST", "/api/users/signin", self._credentials
            )

    async def _watch(self) -> None:
        """Keep the stream of ticket changes open, and open it again every few seconds."""
        while True:
            started, phase = time.monotonic(), self._journal.phase
            status, is_right = None, False
            with contextlib.suppress(httpx.TransportError, StopAsyncIteration):
                async with self._http.stream("GET", "/api/tickets/events") as stream:
                    status = stream.status_code
                    await anext(aiter(stream.aiter_raw()))
                    seconds = time.monotonic() - started
                    is_right = status == 200
                    self._journal.record(phase, "watch", status, seconds, is_right=is_right)
                    if is_right:
                        await asyncio.sleep(STREAM_SECONDS)
            if status is None:
                seconds = time.monotonic() - started
                self._journal.record(phase, "watch", None, seconds, is_right=False)
            await asyncio.sleep(random.uniform(*THINK_SECONDS))

    async def _request(
        self,
        step: str,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: Sequence[int] = (200,),
    ) -> httpx.Response | None:
        """Send a request, record it, and return its response if it is as expected."""
        started, phase = time.monotonic(), self._journal.phase
        response: httpx.Response | None = None
        try:
            response = await self._send(method, path, body)
        except asyncio.CancelledError:
            if time.monotonic() - started < EVENT_DELAY_SECONDS:
                raise
            self._journal.record(phase, step, None, time.monotonic() - started, is_right=False)
            raise
        status = response.status_code if response is not None else None
        is_right = status in expect
        seconds = time.monotonic() - started
        self._journal.record(phase, step, status, seconds, is_right=is_right)
        return response if is_right else None

    async def _send(self, method: str, path: str, body: object) -> httpx.Response | None:
        """Send a request, and again while it is 404, because the event may be on its way."""
        deadline = time.monotonic() + EVENT_DELAY_SECONDS
        while True:
            try:
                response = await self._http.request(method, path, json=body)
            except httpx.TransportError:
                return None
            if response.status_code != NOT_FOUND or time.monotonic() > deadline:
                return response
            await asyncio.sleep(0.1)
