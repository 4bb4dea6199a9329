"""Tickets with originals in the vault, as sellers and buyers make them in tests."""

from typing import Any

import httpx

from common.auth.tokens import User
from common.events import (
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderedTicket,
    OrderEvent,
    OrderStatus,
)
from common.testing.client import Client, make_user
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.values.ids import new_id
from tickets.sample_files import ticket_png


class Market:
    """The running service with a clock that only the test moves, and a seller and two buyers."""

    def __init__(self, client: Client, clock: FakeClock, published: EventProbe) -> None:
        client.clock = clock
        self.client = client
        self.clock = clock
        self.published = published
        self.seller, self.buyer, self.second_buyer, self.stranger = (make_user() for _ in range(4))
        self._holds: dict[str, int] = {}

    async def list_ticket(self, seller: User | None = None) -> str:
        """List a ticket, and return its id."""
        self.client.sign_in(seller or self.seller)
        response = await self.client.post("/api/tickets", json={"title": "Row 1", "price": 20})
        response.raise_for_status()
        return response.json()["id"]

    async def upload(
        self, ticket_id: str, *codes: bytes, user: User | None = None, symbology: str = "qr"
    ) -> httpx.Response:
        """Upload a PNG file with these codes."""
        file = ticket_png(*codes, symbology=symbology)
        return await self.upload_file(ticket_id, file, "image/png", user=user)

    async def upload_file(
        self, ticket_id: str, file: bytes, media_type: str, *, user: User | None = None
    ) -> httpx.Response:
        """Upload a file."""
        self.client.sign_in(user or self.seller)
        return await self.client.put(
            f"/api/tickets/{ticket_id}/file", content=file, headers={"Content-Type": media_type}
        )

    async def list_protected(self, code: bytes = b"4000-1234-5678") -> str:
        """List a ticket whose original is in the vault, and return its id."""
        ticket_id = await self.list_ticket()
        (await self.upload(ticket_id, code)).raise_for_status()
        return ticket_id

    async def order(self, ticket_id: str, buyer: User | None = None) -> OrderCreated:
        """Reserve a ticket."""
        hold = self._holds[ticket_id] = self._holds.get(ticket_id, 0) + 1
        order = OrderCreated(
            id=new_id(),
            version=0,
            status=OrderStatus.CREATED,
            user_id=(buyer or self.buyer).id,
            expires_at=self.clock(),
            ticket=OrderedTicket(id=ticket_id, title="Row 1", price=2000, hold=hold),
        )
        await self.publish(order)
        return order

    async def pay(self, order: OrderCreated) -> None:
        """Complete an order."""
        update = {"version": 1, "status": OrderStatus.COMPLETE}
        await self.publish(OrderCompleted.model_validate(order.model_dump() | update))

    async def cancel(self, order: OrderCreated) -> None:
        """Cancel an order."""
        update = {"version": 1, "status": OrderStatus.CANCELLED}
        await self.publish(OrderCancelled.model_validate(order.model_dump() | update))

    async def sell(self, ticket_id: str, buyer: User | None = None) -> OrderCreated:
        """Reserve a ticket and complete the order."""
        order = await self.order(ticket_id, buyer)
        await self.pay(order)
        return order

    async def publish(self, event: OrderEvent) -> None:
        """Publish an event of an order, and wait until it is applied."""
        await self.published.publish(event, aggregate_id=event.id)
        await self.published.wait_until_handled("tickets-orders")

    async def withdraw(self, ticket_id: str, seller: User | None = None) -> httpx.Response:
        """Withdraw a ticket."""
        self.client.sign_in(seller or self.seller)
        return await self.client.delete(f"/api/tickets/{ticket_id}")

    async def get_pass(self, ticket_id: str, user: User, part: str = "") -> httpx.Response:
        """Get the state of an original, or one of its parts."""
        self.client.sign_in(user)
        return await self.client.get(f"/api/tickets/{ticket_id}/pass{part}")

    async def reveal(self, ticket_id: str, user: User) -> httpx.Response:
        """Reveal an original."""
        self.client.sign_in(user)
        return await self.client.post(f"/api/tickets/{ticket_id}/pass/reveal")

    async def ticket(self, ticket_id: str) -> dict[str, Any]:
        """Return a ticket as its seller sees it."""
        self.client.sign_in(self.seller)
        return (await self.client.get(f"/api/tickets/{ticket_id}")).json()
