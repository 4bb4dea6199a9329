"""What this process knows of PaymentIntents without asking, so that a webhook need not ask."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from payments.stripe.mapping import WebhookEvent

REMEMBERED: Final = 10_000


class News:
    """Which intents are being tried here at this moment, and which were seen to be paid."""

    def __init__(self) -> None:
        self._tried: dict[str, asyncio.Event] = {}
        self._paid: dict[str, None] = {}

    @contextmanager
    def awaited(self, intent_id: str) -> Generator[None]:
        """Try in the block to be paid: what comes of it is written down here."""
        ended = self._tried[intent_id] = asyncio.Event()
        try:
            yield
        finally:
            ended.set()
            if self._tried.get(intent_id) is ended:
                del self._tried[intent_id]

    def paid(self, intent_id: str) -> None:
        """Remember that its success is written down."""
        self._paid[intent_id] = None
        if len(self._paid) > REMEMBERED:
            del self._paid[next(iter(self._paid))]

    async def old(self, hint: WebhookEvent) -> bool:
        """Tell whether a webhook says only what is written down already.

        Stripe's webhook and its answer to us set out at the same moment: the answer goes first.
        """
        if hint.intent_id in self._tried:
            await self._tried[hint.intent_id].wait()
        return hint.paid and hint.intent_id in self._paid
