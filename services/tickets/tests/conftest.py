"""Fixtures: one tickets service per test."""

from typing import Any

import pytest

from common.testing.client import Client
from common.testing.plugin import Serve
from tickets.app import create_app
from tickets.settings import Settings


@pytest.fixture
async def tickets(serve: Serve, environment: dict[str, Any]) -> Client:
    """A client of the running service, without a session."""
    return await serve(create_app(Settings(**environment)))
