"""Events: stored for good, and delivered to each endpoint that enabled their type."""

import asyncio
from dataclasses import dataclass

import stripe

from stripe_local.clock import rfc3339, timestamp
from stripe_local.documents import PRIVATE, Document, new_id, now, public
from stripe_local.faults import Fault, Faults
from stripe_local.store import Query, Store
from stripe_local.webhooks.delivery_queue import Deliveries

_REORDER_SECONDS = 1.0  # how long a held delivery waits for a later one


@dataclass(frozen=True)
class Cause:
    """The call that caused an event; empty for delayed changes."""

    id: str | None = None
    idempotency_key: str | None = None


class Events:
    """Emits events and enqueues their deliveries."""

    def __init__(self, store: Store, deliveries: Deliveries, faults: Faults) -> None:
        self._store = store
        self._deliveries = deliveries
        self._faults = faults
        self.work_available = asyncio.Event()

    def emit(self, kind: str, subject: Document, cause: Cause) -> None:
        """Store an event about an object, in the transaction that changes the object."""
        account: str | None = subject.get(PRIVATE, {}).get("account")
        event: Document = (
            {} if account is None else {"account": account, PRIVATE: {"account": account}}
        )
        event |= {
            "id": new_id("evt_1"),
            "object": "event",
            "api_version": stripe.api_version,
            "created": now(),
            "data": {"object": public(subject)},
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": cause.id, "idempotency_key": cause.idempotency_key},
            "type": kind,
        }
        self._store_and_enqueue(event)

    def emit_thin(
        self,
        kind: str,
        related: Document | None,
        cause: Cause,
        data: Document | None = None,
    ) -> None:
        """Store a thin event, which names the object of version 2 that it is about."""
        event: Document = {
            "id": new_id("evt_test_6", 40),
            "object": "v2.core.event",
            "context": None,
            "created": rfc3339(timestamp()),
            "livemode": False,
            "reason": None,
            "type": kind,
            PRIVATE: {"created": now(), "data": data or {}},
        }
        if cause.id:
            request = {"id": cause.id, "idempotency_key": cause.idempotency_key or ""}
            event["reason"] = {"type": "request", "request": request}
        if related:
            url = f"/v2/core/accounts/{related['id']}"
            event["related_object"] = {"id": related["id"], "type": related["object"], "url": url}
        self._store_and_enqueue(event)

    def _store_and_enqueue(self, event: Document) -> None:
        self._store.upsert(event)
        kind: str = event["type"]
        endpoints, _ = self._store.page(Query("webhook_endpoint", limit=100))
        for endpoint in endpoints:
            if "*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"]:
                self._enqueue(event, endpoint["id"], self._faults.consume(f"WEBHOOK {kind}"))
        self.work_available.set()

    def _enqueue(self, event: Document, endpoint: str, fault: Fault | None) -> None:
        delay = fault.seconds if fault else 0
        if fault and fault.action == "reorder":
            self._deliveries.enqueue(event, endpoint, delay or _REORDER_SECONDS, held=True)
        elif fault and fault.action == "duplicate":
            self._deliveries.enqueue(event, endpoint)
            self._deliveries.enqueue(event, endpoint, delay)
        else:
            self._deliveries.enqueue(event, endpoint, delay)

    def with_pending_count(self, event: Document) -> Document:
        """Return an event with the number of endpoints that have not accepted it yet."""
        if event["object"] != "event":
            return public(event)
        return public(event) | {"pending_webhooks": self._deliveries.pending_count(event["id"])}


def webhook_endpoint(
    url: str, secret: str, enabled_events: list[str], object_id: str, description: str | None = None
) -> Document:
    """Return a new WebhookEndpoint."""
    return {
        "id": object_id,
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": now(),
        "description": description,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
        PRIVATE: {"secret": secret},
    }


def signing_secret(endpoint: Document) -> str:
    """Return the secret that deliveries to an endpoint are signed with."""
    return endpoint[PRIVATE]["secret"]
