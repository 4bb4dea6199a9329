"""A snapshot of the quiescent system: the databases, the streams and the Stripe server."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import httpx
import nats
from nats.aio.client import Client
from nats.errors import TimeoutError as NatsTimeout
from pymongo import AsyncMongoClient

from chaos.revocation_check import accepting_replicas
from common.auth.tokens import User
from common.events import STREAMS
from common.messaging.envelope import MSG_ID_HEADER
from common.values.ids import new_id
from mail_local.testing import MailControl
from stripe_local.http.control_api import CONTROL_HEADERS
from support.api_user import signed_in_user
from support.system import System

Doc = dict[str, Any]
DEAD_LETTERS_STREAM = "dead-letters"
FETCH_SIZE = 500
OPEN_DISPUTES = frozenset(
    {"needs_response", "under_review", "warning_needs_response", "warning_under_review"}
)


@dataclass(frozen=True)
class StoredEvent:
    """An event in a stream."""

    id: str
    subject: str
    occurred_at: datetime
    data: bytes


@dataclass(frozen=True)
class Consumer:
    """The state of a durable consumer."""

    name: str
    pending: int
    unacknowledged: int
    redelivery_count: int
    delivered_to: int = 0
    acknowledged_to: int = 0
    """The ack floor. The server moves it only when no delivery is unacknowledged."""
    redelivered: int = 0
    """The number of unacknowledged messages that were delivered before."""


@dataclass(frozen=True)
class Snapshot:
    """The content of the stores."""

    documents: dict[str, list[Doc]]
    """`<service>.<collection>` -> its documents."""
    streams: dict[str, list[StoredEvent]]
    consumers: list[Consumer]
    intents: dict[str, Doc]
    charges: list[Doc]
    refunds: list[Doc]
    deliveries: list[Doc]
    accepting_replicas: list[str] = field(default_factory=list[str])
    """The replicas that accept an access token of an ended session."""
    received_letters: frozenset[str] = frozenset()
    """The ids of the letters that the local mail server has."""
    transfers: list[Doc] = field(default_factory=list[Doc])
    disputes: list[Doc] = field(default_factory=list[Doc])
    accounts: list[Doc] = field(default_factory=list[Doc])
    """The accounts of sellers at Stripe."""
    dispute_events: list[Doc] = field(default_factory=list[Doc])
    ledger: Doc = field(default_factory=dict[str, Any])
    """The balances at Stripe."""
    ledger_lines: list[Doc] = field(default_factory=list[Doc])
    statements: dict[str, Doc] = field(default_factory=dict[str, Doc])
    """User -> the totals that their page of earnings shows."""

    @cached_property
    def transfers_by_order(self) -> dict[str, list[Doc]]:
        """The transfers of each order."""
        return _group(self.transfers, "transfer_group")

    @cached_property
    def refunds_by_charge(self) -> dict[str, list[Doc]]:
        """The refunds of each charge at Stripe."""
        return _group(self.refunds, "charge")

    @cached_property
    def disputes_by_charge(self) -> dict[str, list[Doc]]:
        """The disputes of each charge at Stripe."""
        return _group(self.disputes, "charge")

    def by_id(self, collection: str) -> dict[str, Doc]:
        """The documents of a collection by their ids."""
        return {str(doc["_id"]): doc for doc in self.documents[collection]}

    @property
    def duplicates(self) -> Counter[str]:
        """The number of duplicate deliveries, by their sender."""
        delivered = [d for d in self.deliveries if d["state"] == "delivered"]
        return Counter(
            {
                "deliveries by NATS": sum(consumer.redelivery_count for consumer in self.consumers),
                "deliveries by Stripe": len(delivered) - len({d["event"] for d in delivered}),
            }
        )


COLLECTIONS = (
    "auth.accounts",
    "auth.sessions",
    "auth.letters",
    "auth.erased_users",
    "auth.obligations",
    "auth.reset_requests",
    "auth.throttle",
    "tickets.tickets",
    "tickets.shows",
    "tickets.vault",
    "tickets.sellers",
    "orders.orders",
    "orders.tickets",
    "expiration.deadlines",
    "payments.charges",
    "payments.sellers",
    "payments.orders",
    "payments.counted_attempts",
)


async def take_snapshot(system: System, ended: Iterable[str] = ()) -> Snapshot:
    """Read the stores, and check the access tokens of ended sessions on every replica."""
    async with AsyncMongoClient[Doc](system.mongo, tz_aware=True) as mongo:
        documents: dict[str, list[Doc]] = {}
        for namespace in COLLECTIONS:
            service, _, collection = namespace.partition(".")
            documents[namespace] = await mongo[service][collection].find({}).to_list()
    streams = {stream: await _stream(system, stream) for stream in (*STREAMS, DEAD_LETTERS_STREAM)}
    async with httpx.AsyncClient(
        base_url=system.stripe, timeout=30, headers=CONTROL_HEADERS
    ) as stripe:
        intents = await list_objects(stripe, "objects?type=payment_intent")
        charges = await list_objects(stripe, "objects?type=charge")
        refunds = await list_objects(stripe, "objects?type=refund")
        transfers = await list_objects(stripe, "objects?type=transfer")
        disputes = await list_objects(stripe, "objects?type=dispute")
        accounts = await list_objects(stripe, "objects?type=v2.core.account")
        events = await list_objects(stripe, "objects?type=event")
        deliveries = await list_objects(stripe, "deliveries?")
        ledger = (await stripe.get("/_local/ledger")).json()
        lines = await list_objects(stripe, "ledger/entries?")
    return Snapshot(
        documents,
        streams,
        await consumers(system),
        {intent["id"]: intent for intent in intents},
        charges,
        refunds,
        deliveries,
        await accepting_replicas(system, ended),
        await asyncio.to_thread(_received_letters, system),
        transfers,
        disputes,
        accounts,
        [event for event in events if event["type"].startswith("charge.dispute.")],
        ledger,
        lines,
        await _statements(system, documents["payments.charges"]),
    )


async def _statements(system: System, charges: list[Doc]) -> dict[str, Doc]:
    """Return the totals that each seller sees."""
    found: dict[str, Doc] = {}
    for user_id in {charge["seller_id"] for charge in charges if charge.get("payout")}:
        seller = User(user_id, f"{user_id}@example.com", new_id(), session_started_at=time.time())
        user = signed_in_user(system.address, seller)
        try:
            earnings = await user.request_ok("GET", "/api/payments/earnings?limit=1")
        finally:
            await user.close()
        found[user_id] = earnings["totals"]
    return found


def _group(documents: list[Doc], name: str) -> dict[str, list[Doc]]:
    found: defaultdict[str, list[Doc]] = defaultdict(list)
    for document in documents:
        found[document[name]].append(document)
    return dict(found)


async def consumers(system: System) -> list[Consumer]:
    """Return the durable consumers of every service."""
    client = await _nats(system)
    try:
        js = client.jetstream()
        found: list[Consumer] = []
        for stream in STREAMS:
            for info in await js.consumers_info(stream):
                if info.config.durable_name is None or info.delivered is None:
                    continue
                acknowledged_to = info.ack_floor.stream_seq if info.ack_floor else 0
                found.append(
                    Consumer(
                        info.config.durable_name,
                        info.num_pending or 0,
                        info.num_ack_pending or 0,
                        # Less than none if its filter leaves events out.
                        max(info.delivered.consumer_seq - info.delivered.stream_seq, 0),
                        info.delivered.stream_seq,
                        acknowledged_to,
                        info.num_redelivered or 0,
                    )
                )
        return found
    finally:
        await client.close()


async def last_sequences(system: System) -> dict[str, int]:
    """Return the last sequence of each stream."""
    client = await _nats(system)
    try:
        js = client.jetstream()
        return {name: (await js.stream_info(name)).state.last_seq for name in STREAMS}
    finally:
        await client.close()


async def _nats(system: System) -> Client:
    async def ignore_error(_: Exception) -> None:
        """Ignore the error: the caller gets an exception too."""

    return await nats.connect(system.nats, error_cb=ignore_error, connect_timeout=2)


async def _stream(system: System, stream: str) -> list[StoredEvent]:
    client = await _nats(system)
    try:
        js = client.jetstream()
        count = (await js.stream_info(stream)).state.messages
        pull = await js.pull_subscribe("", stream=stream)
        found: list[StoredEvent] = []
        while len(found) < count:
            try:
                batch = await pull.fetch(FETCH_SIZE, timeout=5)
            except NatsTimeout:
                break
            for msg in batch:
                headers = msg.headers or {}
                occurred_at = datetime.fromisoformat(headers["ce-time"])
                found.append(
                    StoredEvent(headers[MSG_ID_HEADER], msg.subject, occurred_at, msg.data)
                )
                await msg.ack()
        return found
    finally:
        await client.close()


def _received_letters(system: System) -> frozenset[str]:
    letters = MailControl(f"http://127.0.0.1:{system.port['mail']}").letters()
    return frozenset(one["messageId"].strip("<>").partition("@")[0] for one in letters)


async def list_objects(stripe: httpx.AsyncClient, query: str) -> list[Doc]:
    """Return everything that a list of the local Stripe server has."""
    found: list[Doc] = []
    after: int | None = 0
    while after is not None:
        page = (await stripe.get(f"/_local/{query}&after={after}&limit=1000")).json()
        found += page["data"]
        after = page["next"]
    return found
