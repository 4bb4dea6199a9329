"""How often all users together may ask: so many times a second, however slow the answers are."""

import asyncio
import time


class Pace:
    """Turns, handed out evenly; those that nobody takes are lost, not saved up."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = time.monotonic()

    async def turn(self) -> None:
        """Wait for one's turn."""
        now = time.monotonic()
        self._next = max(self._next, now) + self._gap
        await asyncio.sleep(self._next - self._gap - now)
