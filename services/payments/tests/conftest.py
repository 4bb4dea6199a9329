"""A payments service of each test's own, and the Stripe that it talks to."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
import stripe

from common.testing.plugin import Client, Published, Serve
from payments.app import create
from payments.settings import Settings
from payments.testing import KEY, SECRET, Bank, Orders


@pytest.fixture(autouse=True)
def stripe_is_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the library not pause between its tries: here nothing gets better meanwhile."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)


@pytest.fixture
async def bank(stripe_url: str) -> AsyncGenerator[Bank]:
    """The local Stripe server; whole again afterwards."""
    bank = Bank(stripe_url)
    yield bank
    await bank.close()


@pytest.fixture
def payments_environment(environment: dict[str, Any], stripe_url: str) -> dict[str, Any]:
    """The settings of a payments service that is quick to look again."""
    return {
        **environment,
        "stripe_key": KEY,
        "stripe_api_base": stripe_url,
        "stripe_webhook_secret": SECRET,
        "payment_reconcile_seconds": 0.1,
        "payment_lease_seconds": 3,
    }


@pytest.fixture
def serve_payments(
    serve: Serve, payments_environment: dict[str, Any]
) -> Callable[..., Awaitable[Client]]:
    """Start a payments service, or another replica of it, with other settings."""

    async def start(**settings: Any) -> Client:
        return await serve(create(Settings(**{**payments_environment, **settings})))

    return start


@pytest.fixture
async def payments(serve_payments: Callable[..., Awaitable[Client]]) -> Client:
    """The running service, asked by nobody in particular."""
    return await serve_payments()


@pytest.fixture
def orders(published: Published) -> Orders:
    """The orders service, as payments hears it."""
    return Orders(published)
