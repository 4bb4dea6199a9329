"""How often all users together may ask: so many times a second, however slow the answers are."""

import asyncio
import time


class RateLimiter:
    """Turns, handed out evenly; those that nobody takes are lost, not saved up."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next_slot = time.monotonic()

    async def acquire(self) -> None:
        """Wait for one's turn."""
        now = time.monotonic()
        self._next_slot = max(self._next_slot, now) + self._interval
        await asyncio.sleep(self._next_slot - self._interval - now)
