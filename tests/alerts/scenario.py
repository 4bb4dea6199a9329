"""What a scenario of an alert works with: a running system, and ways to disturb it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from pymongo import AsyncMongoClient

from payments.testing import StripeProbe
from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.errors import CliError


@dataclass(frozen=True)
class AlertScenario:
    """A running system, its users and its Stripe server."""

    system: System
    seller: ApiUser
    buyer: ApiUser
    stripe: StripeProbe

    async def order_as_new_buyer(self) -> tuple[ApiUser, Any]:
        """Order a new ticket as a new buyer, because the unpaid orders of a buyer are limited."""
        buyer = signed_in_user(self.system.address)
        return buyer, await buyer.order(await self.seller.sell())


ScenarioFactory = Callable[[AlertScenario], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def repeat(
    action: Callable[[], Awaitable[object]], concurrency: int = 1
) -> AsyncGenerator[None]:
    """Repeat an action during the block and ignore its failures."""

    async def run_forever() -> None:
        while True:
            with suppress(httpx.HTTPError, AssertionError, CliError):
                await action()
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(run_forever()) for _ in range(concurrency)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def killed(scenario: AlertScenario, name: str) -> AsyncGenerator[None]:
    """Kill a process and restart it after the block."""
    scenario.system.processes[name].kill()
    try:
        yield
    finally:
        scenario.system.processes[name].start()
        scenario.system.wait_ready([name])


@asynccontextmanager
async def paused(scenario: AlertScenario, *names: str) -> AsyncGenerator[None]:
    """Pause processes (SIGSTOP) during the block."""
    for name in names:
        scenario.system.processes[name].pause()
    try:
        yield
    finally:
        for name in names:
            scenario.system.processes[name].resume()


@asynccontextmanager
async def writes_blocked(scenario: AlertScenario) -> AsyncGenerator[None]:
    """Block MongoDB's writes (fsyncLock) during the block."""
    async with AsyncMongoClient[dict[str, Any]](scenario.system.mongo) as client:
        await client.admin.command("fsync", lock=True)
        try:
            yield
        finally:
            await client.admin.command("fsyncUnlock")
