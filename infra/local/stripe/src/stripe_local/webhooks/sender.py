"""Send signed events to webhook endpoints, several in parallel, with retries."""

import asyncio
import contextlib
import hashlib
import hmac
import time

import aiohttp
import orjson

from stripe_local.documents import Document
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.webhooks.delivery_queue import Deliveries, Delivery
from stripe_local.webhooks.events import Events, signing_secret

_IDLE_SECONDS = 5.0
_FIRST_REDIRECT_STATUS = 300


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the `Stripe-Signature` header, https://docs.stripe.com/webhooks/signature."""
    signed = hmac.new(secret.encode(), b"%d.%s" % (timestamp, body), hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


class WebhookSender:
    """The background task that sends what is due."""

    def __init__(
        self, store: Store, deliveries: Deliveries, events: Events, settings: Settings
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._events = events
        self._settings = settings
        self._in_flight: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled; what is in flight then is sent again at the next start."""
        # No proxy is between this server and the developer's own endpoints.
        timeout = aiohttp.ClientTimeout(self._settings.delivery_timeout_seconds)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as client:
            try:
                while True:
                    self._events.work_available.clear()
                    self._send_due(client)
                    await self._wait_for_work()
            finally:
                await _cancel(self._in_flight)

    def _send_due(self, client: aiohttp.ClientSession) -> None:
        slots = self._settings.max_parallel_deliveries - len(self._in_flight)
        for delivery in self._deliveries.claim_due(slots) if slots else []:
            task = asyncio.create_task(self._deliver(client, delivery))
            self._in_flight.add(task)
            task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._events.work_available.set()

    async def _wait_for_work(self) -> None:
        """Wait for a new event, a free slot, or the next due delivery."""
        full = len(self._in_flight) >= self._settings.max_parallel_deliveries
        due = None if full else self._deliveries.next_due()
        seconds = _IDLE_SECONDS if due is None else min(_IDLE_SECONDS, due - time.time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._events.work_available.wait(), max(seconds, 0.001))

    async def _deliver(self, client: aiohttp.ClientSession, delivery: Delivery) -> None:
        endpoint = self._store.get(delivery.endpoint, "webhook_endpoint")
        event = self._store.get(delivery.event)
        if not endpoint or not event:
            self._deliveries.mark_failed(delivery, "the endpoint is gone", "dropped")
            return
        accepted, result = await _post(client, endpoint, self._events.with_pending_count(event))
        if accepted:
            self._deliveries.mark_delivered(delivery, result)
        elif delivery.attempts + 1 >= self._settings.max_attempts:
            self._deliveries.mark_failed(delivery, result)
        else:
            self._deliveries.schedule_retry(delivery, result, self._retry_delay(delivery.attempts))

    def _retry_delay(self, attempts: int) -> float:
        delay = self._settings.initial_retry_seconds * 2 ** min(attempts, 30)
        return min(delay, self._settings.max_retry_seconds)


async def _post(
    client: aiohttp.ClientSession, endpoint: Document, event: Document
) -> tuple[bool, str]:
    body = orjson.dumps(event, option=orjson.OPT_INDENT_2)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(signing_secret(endpoint), int(time.time()), body),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        async with client.post(
            endpoint["url"], data=body, headers=headers, allow_redirects=False
        ) as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        return False, f"{type(error).__name__}: {error}"
    return response.status < _FIRST_REDIRECT_STATUS, str(response.status)


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
