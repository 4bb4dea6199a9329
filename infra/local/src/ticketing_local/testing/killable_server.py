"""A server of a test's own, which can die, stand still and come back."""

import asyncio
import signal

from ticketing_local.stack.program import Program
from ticketing_local.testing.tiny_stack import eventually


class KillableServer:
    """Keeps its port, and what it has stored, over its deaths."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and wait until it answers."""
        await self.spawn(*self.program.argv)
        await asyncio.to_thread(eventually, self.program.is_ready)

    async def spawn(self, *argv: str) -> None:
        """Start something in its place, and do not wait."""
        self._process = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )

    async def pause(self) -> None:
        """Stand still (SIGSTOP), until it is killed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(eventually, lambda: not self.program.is_ready())

    async def kill(self) -> None:
        """Die without a word (SIGKILL), if it lives."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None
