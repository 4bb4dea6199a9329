"""The request rate of all users together, independent of the response times."""

import asyncio
import time


class RateLimiter:
    """Evenly spaced slots. Unused slots are not saved for later."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next_slot = time.monotonic()

    async def acquire(self) -> None:
        """Wait for the next slot."""
        now = time.monotonic()
        self._next_slot = max(self._next_slot, now) + self._interval
        await asyncio.sleep(self._next_slot - self._interval - now)
