"""What makes each alert fire: the real thing, done to a running system, and undone after."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx
import nats
from pymongo import AsyncMongoClient

from common.events import TicketCreated
from common.messaging.envelope import Message
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.testing import Bank
from support.api_user import PASSWORD, Person
from support.system import System, new_email

WINDOW: Final = 10
"""Seconds that an order lives here."""


@dataclass(frozen=True)
class Scene:
    """A running system, who uses it, and its bank."""

    system: System
    seller: Person
    buyer: Person
    bank: Bank


Provoked = Callable[[Scene], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def repeated(act: Callable[[], Awaitable[object]], at_once: int = 1) -> AsyncGenerator[None]:
    """Do it again and again during the block, whatever comes of it."""

    async def again() -> None:
        while True:
            with suppress(httpx.HTTPError, AssertionError):
                await act()
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(again()) for _ in range(at_once)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def away(scene: Scene, name: str) -> AsyncGenerator[None]:
    """Kill a program for the block."""
    scene.system.processes[name].kill()
    try:
        yield
    finally:
        scene.system.processes[name].start()
        scene.system.wait_ready([name])


@asynccontextmanager
async def standing_still(scene: Scene, *names: str) -> AsyncGenerator[None]:
    """Stop programs for the block (SIGSTOP), and let them go on after it."""
    for name in names:
        scene.system.processes[name].pause()
    try:
        yield
    finally:
        for name in names:
            scene.system.processes[name].resume()


@asynccontextmanager
async def no_write_ends(scene: Scene) -> AsyncGenerator[None]:
    """Have MongoDB take no write for the block, as for a snapshot of its disk (fsyncLock)."""
    async with AsyncMongoClient[dict[str, Any]](scene.system.mongo) as client:
        await client.admin.command("fsync", lock=True)
        try:
            yield
        finally:
            await client.admin.command("fsyncUnlock")


async def publish(scene: Scene, *messages: Message) -> None:
    """Publish as tickets would."""
    client = await nats.connect(scene.system.nats)
    stream = client.jetstream()
    for message in messages:
        headers = message.cloud_event_headers("tickets")
        await stream.publish(message.subject, message.data, headers=headers)
    await client.close()


def listed() -> Message:
    """Make up the event of a ticket that was listed."""
    ticket = TicketCreated(
        id=new_id(), version=0, title="Made up", price=2000, user_id=new_id(), order_id=None
    )
    body = ticket.model_dump_json().encode()
    return Message(uuid4().hex, ticket.subject, body, ticket.id, utc_now())


@asynccontextmanager
async def service_down(scene: Scene) -> AsyncGenerator[None]:
    """`kill -9` of payments."""
    async with away(scene, "payments"):
        yield


@asynccontextmanager
async def server_errors(scene: Scene) -> AsyncGenerator[None]:
    """`kill -9` of MongoDB while people list tickets."""
    async with away(scene, "mongod"), repeated(scene.seller.sell, at_once=4):
        yield


@asynccontextmanager
async def slow_requests(scene: Scene) -> AsyncGenerator[None]:
    """MongoDB stands still (SIGSTOP) two seconds of three while a buyer reads their orders."""

    async def stutter() -> None:
        async with standing_still(scene, "mongod"):
            await asyncio.sleep(2)
        await asyncio.sleep(1)

    async with repeated(lambda: scene.buyer.send("GET", "/api/orders")), repeated(stutter):
        yield


@asynccontextmanager
async def outbox_stuck(scene: Scene) -> AsyncGenerator[None]:
    """NATS stands still (SIGSTOP) for half a minute after which a ticket was listed."""
    async with standing_still(scene, "nats"):
        await scene.seller.sell()
        yield


@asynccontextmanager
async def consumer_behind(scene: Scene) -> AsyncGenerator[None]:
    """3,000 tickets are told of while MongoDB takes no write (fsyncLock)."""
    async with no_write_ends(scene):
        await publish(scene, *(listed() for _ in range(3000)))
        yield


@asynccontextmanager
async def redeliveries(scene: Scene) -> AsyncGenerator[None]:
    """MongoDB refuses every write of orders' copies of tickets (a validator), 60 are listed."""
    async with AsyncMongoClient[dict[str, Any]](scene.system.mongo) as client:
        copies = client["orders"]
        refusing = {"$jsonSchema": {"required": ["what nothing has"]}}
        await copies.command("collMod", "tickets", validator=refusing)
        try:
            await publish(scene, *(listed() for _ in range(60)))
            yield
        finally:
            await copies.command("collMod", "tickets", validator={})


@asynccontextmanager
async def dead_letters(scene: Scene) -> AsyncGenerator[None]:
    """An event that is no JSON is published among those of tickets."""
    broken = Message(uuid4().hex, TicketCreated.subject, b"no JSON", new_id(), utc_now())
    await publish(scene, broken)
    yield
    client = await nats.connect(scene.system.nats)
    await client.jetstream().purge_stream("dead-letters")
    await client.close()


@asynccontextmanager
async def expiries_late(scene: Scene) -> AsyncGenerator[None]:
    """Expiration and its worker stand still (SIGSTOP) until seven seconds after an order's time."""
    await scene.buyer.order(await scene.seller.sell())
    async with standing_still(scene, "expiration", "worker"):
        await asyncio.sleep(WINDOW + 7)
    yield


@asynccontextmanager
async def alarms_lost(scene: Scene) -> AsyncGenerator[None]:
    """`kill -9` of the arq worker, before 15 orders run out."""
    async with away(scene, "worker"):
        for _ in range(15):
            await scene.buyer.order(await scene.seller.sell())
        yield


@asynccontextmanager
async def refund_failed(scene: Scene) -> AsyncGenerator[None]:
    """Stripe takes the money, its answer is lost, the buyer cancels, Stripe refuses the refund."""
    error = {"type": "invalid_request_error", "code": "charge_disputed", "message": "Disputed."}
    await scene.bank.fault("POST /v1/payment_intents/*/confirm", "drop_after", times=3)
    await scene.bank.fault("GET /v1/payment_intents/*", "status", status=500, times=None)
    order = await scene.buyer.order(await scene.seller.sell())
    await scene.buyer.pay(order, expect=503)
    await scene.buyer.ask("DELETE", f"/api/orders/{order['id']}", expect=204)
    async with standing_still(scene, "payments"):
        await scene.bank.mend()
        await scene.bank.fault("POST /v1/refunds", "status", status=400, error=error)
    yield


@asynccontextmanager
async def stripe_away(scene: Scene) -> AsyncGenerator[None]:
    """Stripe takes no call any more, while people pay."""

    async def pay() -> None:
        await scene.buyer.pay(await scene.buyer.order(await scene.seller.sell()))

    await scene.bank.fault("POST /v1/payment_intents*", "drop_before", times=None)
    async with repeated(pay, at_once=4):
        yield
    await scene.bank.mend()


@asynccontextmanager
async def pool_exhausted(scene: Scene) -> AsyncGenerator[None]:
    """MongoDB takes no write (fsyncLock) while 80 list tickets, each with an Idempotency-Key."""

    async def sell() -> None:
        ticket = {"title": "Front row", "price": 20}
        key = {"Idempotency-Key": uuid4().hex}
        await scene.seller.send("POST", "/api/tickets", ticket, headers=key)

    async with no_write_ends(scene), repeated(sell, at_once=80):
        yield


@asynccontextmanager
async def sign_ins_refused(scene: Scene) -> AsyncGenerator[None]:
    """150 people sign in at once, again and again."""

    async def sign_in() -> None:
        credentials = {"email": new_email(), "password": PASSWORD}
        await scene.seller.send("POST", "/api/users/signin", credentials)

    async with repeated(sign_in, at_once=150):
        yield


@asynccontextmanager
async def blind(scene: Scene) -> AsyncGenerator[None]:
    """NATS stands still (SIGSTOP)."""
    async with standing_still(scene, "nats"):
        yield


PROVOKED: Final[Mapping[str, Provoked]] = {
    "ServiceDown": service_down,
    "ServerErrors": server_errors,
    "SlowRequests": slow_requests,
    "OutboxStuck": outbox_stuck,
    "ConsumerBehind": consumer_behind,
    "Redeliveries": redeliveries,
    "DeadLetters": dead_letters,
    "ExpiriesLate": expiries_late,
    "AlarmsLost": alarms_lost,
    "RefundFailed": refund_failed,
    "StripeAway": stripe_away,
    "PoolExhausted": pool_exhausted,
    "SignInsRefused": sign_ins_refused,
    "Blind": blind,
}
