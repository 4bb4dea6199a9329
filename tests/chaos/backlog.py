"""The work that the system has not finished yet."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import AsyncMongoClient

from auth.domain.session import MAX_SESSIONS
from chaos.snapshot import consumers
from common.events import DisputeStatus
from common.messaging.durable_consumer import ACK_WAIT_SECONDS
from common.values.clock import utc_now
from payments.domain.payout import HoldReason
from support.system import System
from tickets.domain.ticket import WITHDRAWAL_DELAY
from tickets.domain.vault_entry import UPLOAD_TIME

OUTBOXES: Final = (
    ("auth", "accounts"),
    ("auth", "sessions"),
    ("auth", "erased_users"),
    ("tickets", "tickets"),
    ("tickets", "shows"),
    ("tickets", "vault"),
    ("orders", "orders"),
    ("expiration", "deadlines"),
    ("payments", "charges"),
    ("payments", "sellers"),
)
DELETIONS: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("accounts", {"closing.at": {"$exists": True}}, "closing accounts"),
    ("erased_users", {"is_complete": False}, "incomplete deletions"),
    ("letters", {"kind": "account_deleted", "state": "queued"}, "unsent last letters"),
)
"""The collection in auth, the query, and what it finds."""
EXPIRATION_GRACE: Final = timedelta(seconds=5)
OUTBOX_GRACE: Final = timedelta(seconds=3)
"""More than the sweep needs for the event of a payment that takes long."""
PAYOUT_GRACE: Final = timedelta(seconds=10)
STABLE_FOR: Final = timedelta(seconds=30)
"""How long after the end nothing may become due, so that the audit sees one state of everything."""
HOLD_REASONS: Final = [reason.value for reason in HoldReason]
"""Why a payout waits for somebody else. For other reasons the reconciler tries it again."""
UNDISPUTED: Final = {"dispute.status": {"$nin": [DisputeStatus.OPEN, DisputeStatus.INQUIRY]}}
"""Of the payments whose money goes back: those that Stripe refunds before a bank has decided."""
OPEN_STATUSES: Final = ["processing", "requires_payment_method", "requires_action"]


def _changing_soon() -> dict[str, Any]:
    """Return the query of originals that their sweep changes before the audit has ended."""
    end = utc_now() + STABLE_FOR
    released = {"released_at": {"$lt": end - WITHDRAWAL_DELAY}, "is_current": True}
    unused = {"is_attached": False, "released_at": None}
    abandoned = {**unused, "uploaded_at": {"$lt": end - UPLOAD_TIME}}
    return {"state": "sealed", "$or": [released, abandoned]}


class Backlog:
    """Reads the unfinished work from the stores and from NATS."""

    def __init__(self, system: System, *, reconciler_enabled: bool = True) -> None:
        self._system = system
        self._reconciler_enabled = reconciler_enabled
        self._mongo = AsyncMongoClient[dict[str, Any]](system.mongo, tz_aware=True)

    async def close(self) -> None:
        """Close the connection."""
        await self._mongo.close()

    async def overdue(self, stream_positions: dict[str, int], since: datetime) -> list[str]:
        """Return what should be finished by now although new work keeps arriving.

        Args:
            stream_positions: the sequence that each consumer of a stream must have reached.
            since: work from before this time must be finished.
        """
        now = utc_now()
        remaining: list[str] = []
        redelivery_expected = now - since > 2 * timedelta(seconds=ACK_WAIT_SECONDS)
        for consumer in await consumers(self._system):
            position = stream_positions[consumer.name.partition("-")[2]]
            if not (consumer.pending or consumer.unacknowledged):
                continue  # one with a filter never reaches the position
            is_at_end = consumer.delivered_to >= position or not consumer.pending
            delivered = is_at_end and not consumer.redelivered
            if consumer.acknowledged_to < position and not (redelivery_expected and delivered):
                remaining.append(f"{consumer.name} is at {consumer.acknowledged_to} of {position}")
        remaining += await self._outboxes({"outbox.at": {"$lt": now - OUTBOX_GRACE}})
        overdue_orders = {
            "status": {"$in": ["created", "awaiting:payment"]},
            "expires_at": {"$lt": now - EXPIRATION_GRACE},
        }
        remaining += self._describe(
            "overdue orders", await self._count("orders", "orders", overdue_orders)
        )
        if self._reconciler_enabled:
            remaining += await self._charges(since, refundable=UNDISPUTED)
            remaining += await self._payouts(since, released_before=since - PAYOUT_GRACE)
        return remaining

    async def remaining(self) -> list[str]:
        """Return all unfinished work, when no new work arrives."""
        remaining = [
            f"{consumer.name} has {consumer.pending} pending and {consumer.unacknowledged} unacked"
            for consumer in await consumers(self._system)
            if consumer.pending or consumer.unacknowledged
        ]
        remaining += await self._outboxes({})
        live = {"status": {"$in": ["created", "awaiting:payment"]}}
        remaining += self._describe("live orders", await self._count("orders", "orders", live))
        waiting_listings = {"pending_entry": {"$gt": ""}}
        remaining += self._describe(
            "listings without their originals",
            await self._count("tickets", "tickets", waiting_listings),
        )
        remaining += self._describe(
            "originals to be taken back",
            await self._count("tickets", "tickets", {"return_pending": True}),
        )
        remaining += self._describe(
            "originals that change soon", await self._count("tickets", "vault", _changing_soon())
        )
        waiting_deadlines = {"status": "waiting"}
        remaining += self._describe(
            "deadlines", await self._count("expiration", "deadlines", waiting_deadlines)
        )
        remaining += self._describe("users with too many sessions", await self._crowded_users())
        for collection, query, what in DELETIONS:
            remaining += self._describe(what, await self._count("auth", collection, query))
        remaining += await self._payouts(utc_now(), released_before=utc_now() + STABLE_FOR)
        retried = {"payout.state": "frozen", "payout.reason": {"$nin": HOLD_REASONS}}
        remaining += self._describe(
            "refused payouts", await self._count("payments", "charges", retried)
        )
        return remaining + await self._charges(utc_now())

    async def _crowded_users(self) -> int:
        """Count the users whose oldest sessions the next check of auth ends."""
        per_user = await self._mongo["auth"]["sessions"].aggregate(
            [
                {"$match": {"ended_at": None}},
                {"$group": {"_id": "$user_id", "count": {"$sum": 1}}},
                {"$match": {"count": {"$gt": MAX_SESSIONS}}},
            ]
        )
        return len(await per_user.to_list())

    async def _payouts(self, until: datetime, *, released_before: datetime) -> list[str]:
        """Describe the payouts that are under way since before `until`, or were due before."""
        moving = {
            "payout.state": {"$in": ["sending", "recalling"]},
            "updated_at": {"$lt": until},
        }
        due = {
            "status": "succeeded",
            "payout.state": "held",
            "release_at": {"$lt": released_before},
            **({"payout.refusals": 0} if released_before < until else {}),
        }
        return [
            *self._describe("open payouts", await self._count("payments", "charges", moving)),
            *self._describe("due payouts", await self._count("payments", "charges", due)),
        ]

    async def _charges(
        self, until: datetime, *, refundable: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Describe the charges that need reconciliation and were last updated before `until`.

        Args:
            until: the time.
            refundable: which of the refunds count. By default all do.
        """
        open_ones = {
            "$or": [
                {"status": "refund_pending", **(refundable or {})},
                {"status": {"$in": OPEN_STATUSES}, "order_cancelled": True},
                {"status": "processing", "lease.until": {"$lt": until}},
            ],
            "updated_at": {"$lt": until},
        }
        return self._describe("open charges", await self._count("payments", "charges", open_ones))

    async def _outboxes(self, extra_filter: dict[str, Any]) -> list[str]:
        remaining: list[str] = []
        for service, collection in OUTBOXES:
            pending = {"outbox.0": {"$exists": True}, **extra_filter}
            count = await self._count(service, collection, pending)
            remaining += self._describe(f"outboxes of {collection}", count)
        return remaining

    async def _count(self, service: str, collection: str, query: dict[str, Any]) -> int:
        return await self._mongo[service][collection].count_documents(query)

    @staticmethod
    def _describe(what: str, count: int) -> list[str]:
        return [f"{count} {what}"] if count else []
