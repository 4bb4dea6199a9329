"""The scenarios that make each alert fire on a running system."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import nats
from alerts.payment_scenarios import (
    balance_short,
    evidence_refused,
    payments_differ,
    payments_refused,
    reconciliation_late,
    refund_failed,
    sellers_owing,
    stripe_unavailable,
    transfers_failing,
)
from alerts.scenario import (
    AlertScenario,
    ScenarioFactory,
    killed,
    paused,
    repeat,
    writes_blocked,
)
from bson import ObjectId
from pymongo import AsyncMongoClient

from common.events import TicketCreated
from common.messaging.envelope import EventEnvelope
from common.values.clock import utc_now
from common.values.ids import new_id
from ticketing_local.api_user import PASSWORD, new_email
from tickets.sample_files import ticket_pdf

ORDER_EXPIRATION_SECONDS: Final = 10


async def publish(scenario: AlertScenario, *messages: EventEnvelope) -> None:
    """Publish messages as the tickets service does."""
    client = await nats.connect(scenario.system.nats)
    stream = client.jetstream()
    for message in messages:
        headers = message.cloud_event_headers("tickets")
        await stream.publish(message.subject, message.data, headers=headers)
    await client.close()


def ticket_created_message() -> EventEnvelope:
    """Create the event of a new ticket."""
    ticket = TicketCreated(
        id=new_id(), version=0, title="Front row", price=2000, user_id=new_id(), order_id=None
    )
    body = ticket.model_dump_json().encode()
    return EventEnvelope(uuid4().hex, ticket.subject, body, ticket.id, utc_now())


@asynccontextmanager
async def service_down(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Kill payments (`kill -9`)."""
    async with killed(scenario, "payments"):
        yield


@asynccontextmanager
async def high_error_rate(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Kill MongoDB (`kill -9`) while users list tickets."""
    async with killed(scenario, "mongod"), repeat(scenario.seller.sell, concurrency=4):
        yield


@asynccontextmanager
async def high_latency(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Pause MongoDB (SIGSTOP) for two of every three seconds while a buyer reads their orders."""

    async def stutter() -> None:
        async with paused(scenario, "mongod"):
            await asyncio.sleep(2)
        await asyncio.sleep(1)

    async with repeat(lambda: scenario.buyer.request("GET", "/api/orders")), repeat(stutter):
        yield


@asynccontextmanager
async def outbox_stuck(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Pause NATS (SIGSTOP) for half a minute and list a ticket."""
    async with paused(scenario, "nats"):
        await scenario.seller.sell()
        yield


@asynccontextmanager
async def consumer_behind(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Publish 3,000 tickets while MongoDB's writes are locked (fsyncLock)."""
    async with writes_blocked(scenario):
        await publish(scenario, *(ticket_created_message() for _ in range(3000)))
        yield


@asynccontextmanager
async def high_redelivery_rate(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Make MongoDB reject orders' copies of tickets (a validator) and list 60 tickets."""
    async with AsyncMongoClient[dict[str, Any]](scenario.system.mongo) as client:
        copies = client["orders"]
        rejecting = {"$jsonSchema": {"required": ["missing"]}}
        await copies.command("collMod", "tickets", validator=rejecting)
        try:
            await publish(scenario, *(ticket_created_message() for _ in range(60)))
            yield
        finally:
            await copies.command("collMod", "tickets", validator={})


@asynccontextmanager
async def dead_letters(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Publish an event that is not JSON to the stream of tickets."""
    broken = EventEnvelope(uuid4().hex, TicketCreated.subject, b"no JSON", new_id(), utc_now())
    await publish(scenario, broken)
    yield
    client = await nats.connect(scenario.system.nats)
    await client.jetstream().purge_stream("dead-letters")
    await client.close()


@asynccontextmanager
async def foreign_messages(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Place a copy of a stored event into the stream of tickets by the reply subject of a read."""
    client = await nats.connect(scenario.system.nats)
    await client.jetstream().publish("ticket.copied", b"{}")  # no id: its copy is no duplicate
    request = json.dumps({"last_by_subj": "ticket.copied"}).encode()

    async def copy() -> None:
        await client.publish("$JS.API.DIRECT.GET.tickets", request, reply=TicketCreated.subject)
        await asyncio.sleep(1)

    async with repeat(copy):
        yield
    await client.close()


@asynccontextmanager
async def order_expiration_late(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Pause expiration and its worker (SIGSTOP) until seven seconds after an order's time."""
    await scenario.buyer.order(await scenario.seller.sell())
    async with paused(scenario, "expiration", "worker"):
        await asyncio.sleep(ORDER_EXPIRATION_SECONDS + 7)
    yield


@asynccontextmanager
async def clocks_differ(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Publish the expiration of an order whose time orders takes to be two minutes later."""
    order = await scenario.buyer.order(await scenario.seller.sell())
    later = {"$set": {"expires_at": utc_now() + timedelta(minutes=2)}}
    async with AsyncMongoClient[dict[str, Any]](scenario.system.mongo) as client:
        await client["orders"]["orders"].update_one({"_id": ObjectId(order["id"])}, later)
    yield


@asynccontextmanager
async def expiration_timers_lost(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Kill the arq worker (`kill -9`) before 15 orders expire."""
    async with killed(scenario, "worker"):
        for _ in range(15):
            buyer, _ = await scenario.order_as_new_buyer()
            await buyer.close()
        yield


@asynccontextmanager
async def vault_file_unreadable(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Cut a ticket file in MongoDB short while its buyer downloads it."""
    ticket = await scenario.seller.sell()
    await scenario.seller.upload(ticket, ticket_pdf(new_id().encode()))
    await scenario.buyer.pay(await scenario.buyer.order(ticket))
    await scenario.buyer.wait_for(f"/api/tickets/{ticket['id']}", status="sold")
    path = f"/api/tickets/{ticket['id']}/pass"
    await scenario.buyer.request_ok("POST", f"{path}/reveal", {})
    async with AsyncMongoClient[dict[str, Any]](scenario.system.mongo) as client:
        await client["tickets"]["vault"].update_one(
            {"ticket_id": ticket["id"]}, {"$set": {"sealed.file": b"cut short"}}
        )
    await scenario.buyer.request_ok("GET", f"{path}/file", expect=500)
    yield


@asynccontextmanager
async def vault_sweep_late(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Hold the lease of the vault's sweeper while an upload of an hour ago is incomplete."""
    ticket = await scenario.seller.sell()
    await scenario.seller.upload(ticket, ticket_pdf(new_id().encode()))
    incomplete = {
        "is_attached": False,
        "is_settled": False,
        "uploaded_at": utc_now() - timedelta(hours=1),
    }
    lease = {"owner": "nobody", "until": utc_now() + timedelta(hours=1)}
    async with AsyncMongoClient[dict[str, Any]](scenario.system.mongo) as client:
        database = client["tickets"]
        await database["leases"].update_one({"_id": "vault"}, {"$set": lease}, upsert=True)
        await database["vault"].update_one({"ticket_id": ticket["id"]}, {"$set": incomplete})
        yield
        await database["leases"].delete_one({"_id": "vault"})


@asynccontextmanager
async def mongo_pool_exhausted(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Lock MongoDB's writes (fsyncLock) while 80 users list with an Idempotency-Key."""

    async def sell() -> None:
        ticket = {"title": "Front row", "price": 20}
        key = {"Idempotency-Key": uuid4().hex}
        await scenario.seller.request("POST", "/api/tickets", ticket, headers=key)

    async with writes_blocked(scenario), repeat(sell, concurrency=80):
        yield


@asynccontextmanager
async def sign_ins_rejected(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Sign in as 150 users at once, repeatedly."""

    async def sign_in() -> None:
        credentials = {"email": new_email(), "password": PASSWORD}
        await scenario.seller.request("POST", "/api/users/signin", credentials)

    async with repeat(sign_in, concurrency=150):
        yield


@asynccontextmanager
async def metrics_collection_failing(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Pause NATS (SIGSTOP)."""
    async with paused(scenario, "nats"):
        yield


SCENARIOS: Final[Mapping[str, ScenarioFactory]] = {
    "ServiceDown": service_down,
    "HighErrorRate": high_error_rate,
    "HighLatency": high_latency,
    "OutboxStuck": outbox_stuck,
    "ConsumerBehind": consumer_behind,
    "HighRedeliveryRate": high_redelivery_rate,
    "DeadLetters": dead_letters,
    "ForeignMessages": foreign_messages,
    "OrderExpirationLate": order_expiration_late,
    "ClocksDiffer": clocks_differ,
    "ExpirationTimersLost": expiration_timers_lost,
    "RefundFailed": refund_failed,
    "StripeUnavailable": stripe_unavailable,
    "PaymentsRefused": payments_refused,
    "TransfersFailing": transfers_failing,
    "BalanceShort": balance_short,
    "EvidenceRefused": evidence_refused,
    "SellersOwing": sellers_owing,
    "PaymentsDiffer": payments_differ,
    "ReconciliationLate": reconciliation_late,
    "VaultFileUnreadable": vault_file_unreadable,
    "VaultSweepLate": vault_sweep_late,
    "MongoPoolExhausted": mongo_pool_exhausted,
    "SignInsRejected": sign_ins_rejected,
    "MetricsCollectionFailing": metrics_collection_failing,
}
