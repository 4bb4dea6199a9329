"""An auth service of each test's own, with passwords that cost little."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from auth.app import create_app
from auth.settings import Settings
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.plugin import Serve
from common.values.clock import Clock

LOW_COST_HASHING = {"password_memory_kib": 8, "password_iterations": 1}


@pytest.fixture
def environment(environment: dict[str, Any]) -> dict[str, Any]:
    """The settings that every service takes, and hashes for tests only."""
    return {**environment, **LOW_COST_HASHING}


@pytest.fixture
def clock() -> FakeClock:
    """The time of the `auth` service."""
    return FakeClock()


@pytest.fixture
def start(
    serve: Serve, environment: dict[str, Any], clock: FakeClock
) -> Callable[..., Awaitable[Client]]:
    """Start one more process of the service, with some settings, and a clock, of its own."""

    async def start_service(clock: Clock = clock, **settings: Any) -> Client:
        return await serve(create_app(Settings(**{**environment, **settings}), clock))

    return start_service


@pytest.fixture
async def auth(start: Callable[..., Awaitable[Client]]) -> Client:
    """The running service, asked by nobody in particular."""
    return await start()
