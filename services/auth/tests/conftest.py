"""Fixtures: one auth service per test, with cheap password hashes."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from auth import mailer
from auth.app import create_app
from auth.mailer_settings import MailerSettings
from auth.settings import Settings
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.plugin import Serve
from common.values.clock import Clock
from mail_local.testing import MailControl, Server

LETTER_KEY = "c3" * 32
LOW_COST_HASHING = {"password_memory_kib": 8, "password_iterations": 1}


@pytest.fixture
def environment(environment: dict[str, Any]) -> dict[str, Any]:
    """The settings of every service, and cheap password hashes."""
    return {**environment, **LOW_COST_HASHING, "letter_key": LETTER_KEY}


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


@pytest.fixture(scope="session")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The local mail server. Tests use addresses of their own."""
    with Server(tmp_path_factory.mktemp("mail") / "mail.sqlite") as server:
        yield server


@pytest.fixture
def mail(mail_server: Server) -> MailControl:
    """The letters that the mail server has received, and its faults."""
    mail_server.control.clear()
    return mail_server.control


@pytest.fixture
def start_mailer(
    serve: Serve, environment: dict[str, Any], clock: FakeClock, mail_server: Server
) -> Callable[..., Awaitable[Client]]:
    """Start a mailer, with its own settings and clock."""

    async def start_mailer(clock: Clock = clock, **settings: Any) -> Client:
        defaults: dict[str, Any] = {
            "smtp_url": mail_server.smtp_url,
            "public_url": "https://tickets.example",
            "mailer_interval_seconds": 0.02,
            "smtp_timeout_seconds": 60,
        }
        merged = {**environment, **defaults, **settings}
        return await serve(mailer.create_app(MailerSettings(**merged), clock))

    return start_mailer
