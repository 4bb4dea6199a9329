"""The operations whose cost is measured beside stored data."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from itertools import pairwise
from typing import Any, Final

from bson import ObjectId

from benchmarks.client import Connection
from benchmarks.stored_copies import BUYER, SELLER, account, email
from benchmarks.testbed import Testbed
from common.auth.tokens import User
from common.testing.client import make_user, session_cookie
from common.values.clock import utc_now
from support.api_user import signed_in_user
from support.original_files import make_pdf, new_code
from ticketing_local.api_user import PASSWORD, VISA, ApiUser
from ticketing_local.errors import CliError

ORDER_SECONDS: Final = 40
"""Until an order expires: longer than the measured orders take until they are paid."""
TIMEOUT_SECONDS: Final = 120.0
FIRST_BUYER, FIRST_SIGN_IN, FIRST_LEAVING = 103, 203, 305
"""Accounts that do what an ordinary user does. Each leaving one has no payout left."""
MAX_RETRIES, RETRY_SECONDS = 600, 0.05
PASSWORD_CHANGES: Final = 3


class Shop:
    """The running system with its past, and what the operations before have left."""

    def __init__(self, testbed: Testbed, repetitions: int) -> None:
        self.testbed = testbed
        self.repetitions = repetitions
        self.tickets: list[str] = []
        self.orders: list[str] = []
        self._count = 0

    def take_count(self) -> int:
        """Return how often the last operation was done."""
        count, self._count = self._count, 0
        return max(1, count)

    async def send(
        self, service: str, method: str, path: str, user: User | None = None, body: object = None
    ) -> Any:
        """Send a request, again while what it needs has not arrived, and count it."""
        self._count += 1
        cookie = f"session={session_cookie(user)}" if user else ""
        async with Connection.open(self.testbed.port[service]) as connection:
            response = await connection.send(method, path, body, cookie)
            for _ in range(MAX_RETRIES):
                if response.status != HTTPStatus.NOT_FOUND:
                    break
                await asyncio.sleep(RETRY_SECONDS)
                response = await connection.send(method, path, body, cookie)
        if response.status >= HTTPStatus.BAD_REQUEST and response.status != HTTPStatus.CONFLICT:
            raise CliError(f"{method} {path}: {response.status} {response.body[:200]!r}")
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return response.json if is_json and response.body else None

    def make_originals(self) -> None:
        """Make the sales, sessions and letters that are copied, through the running system."""
        asyncio.run(self._make_originals(self.testbed.system.address))
        webhooks = self.testbed.mongo["payments"]["stripe_events"]  # few are worth a record
        webhooks.replace_one({"_id": "evt_stored"}, {"at": utc_now()}, upsert=True)
        self._wait("letters", lambda: self.testbed.count("auth", "letters") > 0)
        copies = self.testbed.mongo["payments"]["accounts"]  # of accounts that were changed
        copies.insert_one({"version": 1, "second_factor_removal_at": None})
        self._wait(
            "sold tickets", lambda: self.testbed.count("tickets", "tickets", status="sold") > 0
        )
        self._wait("obligations", lambda: self.testbed.count("auth", "obligations") > 1)
        self._wait("published events", lambda: not self._unpublished())

    def _unpublished(self) -> bool:
        collections = [("orders", "orders"), ("payments", "charges"), ("tickets", "tickets")]
        return any(self.testbed.count(*c, **{"outbox.0": {"$exists": True}}) for c in collections)

    async def _make_originals(self, address: str) -> None:
        seller = make_user(authenticated_at=utc_now().timestamp())
        async with (
            await ApiUser.sign_up(address),
            signed_in_user(address, seller) as selling,
            signed_in_user(address) as buyer,
        ):
            await selling.request_ok("POST", "/api/payments/seller", {})
            ticket = await selling.sell()
            await selling.upload(ticket, make_pdf(new_code()))
            order = await buyer.order(ticket)
            await buyer.pay(order)
            path = f"/api/tickets/{ticket['id']}/pass"
            await buyer.poll(path, lambda shown: shown.get("canReveal"))
            await buyer.request_ok("POST", f"{path}/reveal", {})
            cancelled = await buyer.order(await selling.sell())
            await buyer.request_ok("DELETE", f"/api/orders/{cancelled['id']}", expect=204)

    def prepare(self) -> None:
        """Remove the accounts at Stripe that were only copied, of the traders."""
        ids = [ObjectId(account(number).id) for number in (SELLER, BUYER)]
        self.testbed.mongo["payments"]["sellers"].delete_many({"_id": {"$in": ids}})

    def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        self.testbed.wait_until(condition, TIMEOUT_SECONDS)
        if not condition():
            raise CliError(f"an event has not arrived: {what}")

    async def sign_in(self) -> None:
        for n in range(self.repetitions):
            body = {"email": email(FIRST_SIGN_IN + n), "password": PASSWORD}
            await self.send("auth", "POST", "/api/users/signin", None, body)

    async def list_tickets(self) -> None:
        """List tickets, by the two traders in turn."""
        for n in range(self.repetitions):
            user = account(BUYER if n % 2 else SELLER)
            body = {"title": f"Row {n}", "price": 20}
            listed = await self.send("tickets", "POST", "/api/tickets", user, body)
            self.tickets.append(listed["id"])

    async def order(self) -> None:
        self.orders = []
        for n, ticket in enumerate(self.tickets):
            body = {"ticketId": ticket}
            order = await self.send("orders", "POST", "/api/orders", account(FIRST_BUYER + n), body)
            self.orders.append(order["id"])

    async def pay(self) -> None:
        for n, order in enumerate(self.orders):
            body = {"token": VISA, "orderId": order}
            await self.send("payments", "POST", "/api/payments", account(FIRST_BUYER + n), body)
        paid = {"order_id": {"$in": self.orders}, "status": "sold"}
        await asyncio.to_thread(
            self._wait,
            "sold tickets",
            lambda: self.testbed.count("tickets", "tickets", **paid) == len(self.orders),
        )

    async def release_payouts(self) -> None:
        """Make the payouts of the new sales due: each is compared with its seller."""
        past = utc_now() - timedelta(minutes=1)
        ids = [ObjectId(order) for order in self.orders]
        charges = self.testbed.mongo["payments"]["charges"]
        charges.update_many(
            {"order_id": {"$in": ids}}, {"$set": {"release_at": past, "look_at": past}}
        )
        frozen = {"order_id": {"$in": ids}, "payout.state": "frozen"}
        await asyncio.to_thread(
            self._wait,
            "frozen payouts",
            lambda: self.testbed.count("payments", "charges", **frozen) == len(ids),
        )
        self._count += len(ids)

    async def _pages(self, service: str, path: str, user: User) -> None:
        for _ in range(self.repetitions):
            await self.send(service, "GET", path, user)

    async def own_orders(self) -> None:
        await self._pages("orders", "/api/orders", account(BUYER))

    async def own_listings(self) -> None:
        await self._pages("tickets", "/api/tickets/mine", account(SELLER))

    async def earnings(self) -> None:
        await self._pages("payments", "/api/payments/earnings", account(SELLER))

    async def notices(self) -> None:
        await self._pages("auth", "/api/users/notices", account(BUYER))

    async def change_account(self) -> None:
        """Change the account of the seller, whose event payments consumes."""
        user = account(SELLER)
        passwords = [PASSWORD, *(f"{PASSWORD} {n}" for n in range(PASSWORD_CHANGES))]
        async with ApiUser(self.testbed.system.address, email(SELLER)) as person:
            await person.request_ok("POST", "/api/users/signin", person.credentials)
            for old, new in pairwise(passwords):
                body = {"oldPassword": old, "password": new}
                await person.request_ok("POST", "/api/users/password", body)
                self._count += 1
        _id = ObjectId(user.id)
        accounts = self.testbed.mongo["auth"]["accounts"]
        stored = accounts.find_one({"_id": _id}) or {}
        await asyncio.to_thread(
            self._wait,
            "accounts in payments",
            lambda: (
                self.testbed.count(
                    "payments", "accounts", _id=_id, version={"$gte": stored["version"]}
                )
                > 0
            ),
        )

    async def reveal(self) -> None:
        """Reveal an original, and read it."""
        address = self.testbed.system.address
        for _ in range(self.repetitions):
            buyer = make_user()
            async with signed_in_user(address) as seller, signed_in_user(address, buyer) as buying:
                ticket = await seller.sell()
                await seller.upload(ticket, make_pdf(new_code()))
                await buying.pay(await buying.order(ticket))
                path = f"/api/tickets/{ticket['id']}/pass"
                await buying.poll(path, lambda shown: shown.get("canReveal"))
            await self.send("tickets", "POST", f"{path}/reveal", buyer, {})
            await self.send("tickets", "GET", f"{path}/file", buyer)
            self._count -= 1

    async def expire(self) -> None:
        """Order tickets, and wait until the orders are cancelled."""
        self.tickets = []
        await self.list_tickets()
        await self.order()
        ids = [ObjectId(order) for order in self.orders]
        ended = {"_id": {"$in": ids}, "status": "cancelled"}
        await asyncio.to_thread(
            self._wait,
            "cancelled orders",
            lambda: self.testbed.count("orders", "orders", **ended) == len(ids),
        )
        self._count = len(ids)

    async def refuse_deletion(self) -> None:
        """Ask to delete the account of the seller, to whom payouts are still due."""
        for _ in range(self.repetitions):
            await self.send("auth", "DELETE", "/api/users/account", account(SELLER))

    async def delete_accounts(self) -> None:
        """Delete accounts, and wait until they are erased."""
        users = [account(FIRST_LEAVING + 10 * n) for n in range(min(5, self.repetitions))]
        for user in users:
            await self.send("auth", "DELETE", "/api/users/account", user)
        ids = [ObjectId(user.id) for user in users]
        await asyncio.to_thread(
            self._wait,
            "deleted accounts",
            lambda: not self.testbed.count("auth", "accounts", _id={"$in": ids}, kept=None),
        )

    async def scrape(self) -> None:
        """Read the metrics of every service, as Prometheus does."""
        for _ in range(3):
            for service in ("auth", "tickets", "orders", "expiration", "payments"):
                async with Connection.open(self.testbed.port[service]) as connection:
                    await connection.send("GET", "/metrics")
            self._count += 1


def _run(operation: Callable[[Shop], Awaitable[None]]) -> Callable[[Shop], None]:
    async def run(shop: Shop) -> None:
        await operation(shop)

    return lambda shop: asyncio.run(run(shop))


OPERATIONS: Final[dict[str, Callable[[Shop], None]]] = {
    "sign in": _run(Shop.sign_in),
    "list a ticket": _run(Shop.list_tickets),
    "order": _run(Shop.order),
    "pay": _run(Shop.pay),
    "release a payout": _run(Shop.release_payouts),
    "own orders": _run(Shop.own_orders),
    "own listings": _run(Shop.own_listings),
    "earnings": _run(Shop.earnings),
    "notices": _run(Shop.notices),
    "sale and reveal": _run(Shop.reveal),
    "expire an order": _run(Shop.expire),
    "refused deletion": _run(Shop.refuse_deletion),
    "delete an account": _run(Shop.delete_accounts),
    "change an account": _run(Shop.change_account),
    "scrape of all metrics": _run(Shop.scrape),
}
