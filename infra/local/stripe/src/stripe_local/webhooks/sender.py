"""Brings events to webhook endpoints: signed, several at a time, again until they are taken."""

import asyncio
import contextlib
import hashlib
import hmac
import time

import aiohttp
import orjson

from stripe_local.documents import Document, now
from stripe_local.resources.webhook_endpoints import secret_of
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.webhooks.delivery_queue import Deliveries, Delivery
from stripe_local.webhooks.events import Events

_IDLE_SECONDS = 5.0
_REDIRECTION = 300


def signature(secret: str, moment: int, body: bytes) -> str:
    """The `Stripe-Signature` header, https://docs.stripe.com/webhooks/signature."""
    signed = hmac.new(secret.encode(), b"%d.%s" % (moment, body), hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


class Courier:
    """The background task that works off what is owed."""

    def __init__(
        self, store: Store, deliveries: Deliveries, events: Events, settings: Settings
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._events = events
        self._settings = settings
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is sent again at the next start."""
        # The endpoints are the developer's own: no proxy lies between.
        patience = aiohttp.ClientTimeout(self._settings.delivery_timeout_seconds)
        async with aiohttp.ClientSession(timeout=patience, trust_env=False) as client:
            try:
                while True:
                    self._events.news.clear()
                    self._send_due(client)
                    await self._wait()
            finally:
                await _cancel(self._under_way)

    def _send_due(self, client: aiohttp.ClientSession) -> None:
        free = self._settings.delivery_parallel - len(self._under_way)
        for delivery in self._deliveries.take(free) if free else []:
            task = asyncio.create_task(self._deliver(client, delivery))
            self._under_way.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._events.news.set()

    async def _wait(self) -> None:
        """Until something new is owed, a place is free, or the next one's time has come."""
        full = len(self._under_way) >= self._settings.delivery_parallel
        due = None if full else self._deliveries.next_due()
        seconds = _IDLE_SECONDS if due is None else min(_IDLE_SECONDS, due - time.time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._events.news.wait(), max(seconds, 0.001))

    async def _deliver(self, client: aiohttp.ClientSession, delivery: Delivery) -> None:
        endpoint = self._store.get(delivery.endpoint, "webhook_endpoint")
        event = self._store.get(delivery.event, "event")
        if not endpoint or not event:
            self._deliveries.give_up(delivery, "the endpoint is gone", "dropped")
            return
        taken, result = await _post(client, endpoint, self._events.shown(event))
        if taken:
            self._deliveries.arrived(delivery, result)
        elif delivery.attempts + 1 >= self._settings.retry_attempts:
            self._deliveries.give_up(delivery, result)
        else:
            self._deliveries.retry(delivery, result, self._pause(delivery.attempts))

    def _pause(self, attempts: int) -> float:
        doubled = self._settings.retry_first_seconds * 2 ** min(attempts, 30)
        return min(doubled, self._settings.retry_longest_seconds)


async def _post(
    client: aiohttp.ClientSession, endpoint: Document, event: Document
) -> tuple[bool, str]:
    body = orjson.dumps(event, option=orjson.OPT_INDENT_2)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(secret_of(endpoint), now(), body),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        async with client.post(
            endpoint["url"], data=body, headers=headers, allow_redirects=False
        ) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError) as problem:
        return False, f"{type(problem).__name__}: {problem}"
    return answer.status < _REDIRECTION, str(answer.status)


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
