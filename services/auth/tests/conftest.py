"""Fixtures: one auth service per test, with cheap password hashes."""

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
    """The settings of every service, and cheap password hashes."""
    return {**environment, **LOW_COST_HASHING}


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the `auth` service."""
    return FakeClock()


@pytest.fixture
def start(
    serve: Serve, environment: dict[str, Any], clock: FakeClock
) -> Callable[..., Awaitable[Client]]:
    """Start another process of the service, with its own settings and clock."""

    async def start_service(clock: Clock = clock, **settings: Any) -> Client:
        return await serve(create_app(Settings(**{**environment, **settings}), clock))

    return start_service


@pytest.fixture
async def auth(start: Callable[..., Awaitable[Client]]) -> Client:
    """A client of the running service, without a session."""
    return await start()
