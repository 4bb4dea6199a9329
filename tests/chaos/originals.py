"""What simulated users do with originals: upload, reveal, read, copy and list again."""

import hashlib
import random
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx

from chaos.client_log import ClientLog, Reading
from support.original_files import make_pdf, make_png, new_code

UPLOADED_SHARE: Final = 0.9
"""Of the listings. Reading a file takes half a second of a processor."""
COPIED_SHARE: Final = 0.12
"""Of the uploads: the same ticket again, by any user."""
RECENT_CODES: Final = 30
MAX_WAITS: Final = 8
"""How often a buyer looks for the ticket, until tickets has the event of the payment."""
UNREADABLE: Final = frozenset({401, 404, 409, 410})
"""Responses to who may not read an original, or not now."""


class Send(Protocol):
    """Sends a request of a user until it is answered."""

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        allowed: set[int],
        content: tuple[str, bytes] | None = None,
        idempotent: bool = True,
    ) -> Awaitable[httpx.Response | None]: ...


class Wait(Protocol):
    """Waits for a random time."""

    def __call__(self, minimum: float, maximum: float) -> Awaitable[None]: ...


@dataclass(frozen=True)
class Purchase:
    """A ticket that the user has paid for."""

    order_id: str
    ticket_id: str
    title: str


class OriginalsTraffic:
    """The part of a simulated user that deals with originals."""

    def __init__(
        self, email: str, send: Send, wait: Wait, rng: random.Random, client_log: ClientLog
    ) -> None:
        self._email = email
        self._send = send
        self._wait = wait
        self._rng = rng
        self._client_log = client_log
        self._purchases: list[Purchase] = []
        self._listed_again = set[str]()
        """Orders whose ticket the user has tried to list again."""
        self._sealed: list[str] = []
        """Tickets whose original the user wants to read and could not yet."""
        self._readable: list[str] = []
        """Tickets whose original the user has read."""

    async def upload(self, ticket: Any) -> None:
        """Upload the original of some tickets, now and then one that was uploaded before."""
        if self._rng.random() >= UPLOADED_SHARE:
            return
        log = self._client_log
        is_copy = log.codes and self._rng.random() < COPIED_SHARE
        code = self._rng.choice(log.codes[-RECENT_CODES:]) if is_copy else new_code()
        if not is_copy:
            log.codes.append(code)
        make, media_type = self._rng.choice(
            ((make_pdf, "application/pdf"), (make_png, "image/png"))
        )
        file = make(code)
        log.files.setdefault(ticket["id"], set()).add(hashlib.sha256(file).hexdigest())
        response = await self._send(
            "PUT",
            f"/api/tickets/{ticket['id']}/file",
            # 400: it is reserved, 408: tickets was paused, 409: its code is listed already
            allowed={200, 400, 408, 409},
            content=(media_type, file),
            idempotent=False,
        )
        if response is not None and response.status_code == 200:
            log.uploaded.add(ticket["id"])

    async def receive(self, order: Any) -> None:
        """Reveal and read the original of a ticket that the user has just paid for."""
        ticket = order["ticket"]
        self._purchases.append(Purchase(order["id"], ticket["id"], ticket["title"]))
        if "protection" not in ticket or self._rng.random() < 0.1:  # it stays sealed
            return
        for _ in range(MAX_WAITS):
            shown = await self._get(ticket["id"], "")
            if shown is not None and shown.json()["canReveal"]:
                break
            await self._wait(0.2, 1)
        else:
            self._sealed.append(ticket["id"])
            return
        await self._reveal(ticket["id"])

    async def _reveal(self, ticket_id: str) -> None:
        path = f"/api/tickets/{ticket_id}/pass/reveal"
        revealed = await self._send("POST", path, {}, allowed={200, *UNREADABLE}, idempotent=False)
        if revealed is not None and revealed.status_code == 200:
            await self._read(ticket_id)

    async def _read(self, ticket_id: str) -> None:
        """Read an original, which has to be the same bytes every time."""
        response = await self._get(ticket_id, "/file")
        if response is None:
            return
        user_id = self._client_log.accounts[self._email]
        digest = hashlib.sha256(response.content).hexdigest()
        self._client_log.readings.append(Reading(ticket_id, user_id, digest))
        self._readable.append(ticket_id)

    async def _get(self, ticket_id: str, part: str) -> httpx.Response | None:
        """Return a response about an original, or None if the user may not read it."""
        path = f"/api/tickets/{ticket_id}/pass{part}"
        response = await self._send("GET", path, allowed={200, *UNREADABLE})
        return response if response is not None and response.status_code == 200 else None

    async def read_later(self) -> None:
        """Read an original: a late one, or one that the user has read before.

        The user may have listed the latter again since.
        """
        if self._sealed:
            await self._reveal(self._sealed.pop())
        elif self._readable:
            await self._read(self._rng.choice(self._readable))

    async def snoop(self, ticket_id: str) -> None:
        """Try to reveal and to read the original of some ticket."""
        await self._reveal(ticket_id)
        await self._read(ticket_id)

    async def list_again(self, title: str, price: float) -> Any:
        """List one of the last purchases again, which may be listed already."""
        if not self._purchases:
            return None
        purchase = self._rng.choice(self._purchases[-5:])
        self._listed_again.add(purchase.order_id)
        body = {"title": title, "price": price, "fromOrderId": purchase.order_id}
        # 400: its event is late, or its show has started; 409: it is listed already
        response = await self._send("POST", "/api/tickets", body, allowed={201, 400, 409})
        if response is None or response.status_code != 201:
            return None
        ticket = response.json()
        self._client_log.listed_again[ticket["id"]] = purchase.order_id
        if purchase.ticket_id in self._client_log.uploaded:
            self._client_log.uploaded.add(ticket["id"])
        return ticket

    async def accept_refund(self) -> None:
        """Accept an offer to return the money of a purchase that was not listed again.

        A listing would have to end first, which takes a minute.
        """
        log = self._client_log
        offered = log.offered_refunds - self._listed_again - log.accepted_refunds
        order_id = next((one.order_id for one in self._purchases if one.order_id in offered), None)
        if order_id is None:
            return
        self._purchases = [one for one in self._purchases if one.order_id != order_id]
        path = f"/api/orders/{order_id}/refund-accept"
        # 400: the show is cancelled, or the bank has decided
        response = await self._send("POST", path, {}, allowed={200, 400})
        if response is not None and response.status_code == 200:
            log.accepted_refunds.add(order_id)
