"""Fixtures: a payments service per test and the local Stripe server."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe

from common.persistence import outbox
from common.testing.client import Client
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from payments.app import create_app
from payments.settings import Settings
from payments.testing import STRIPE_KEY, WEBHOOK_SECRET, FakeOrders, StripeProbe


@pytest.fixture(autouse=True)
def no_stripe_retry_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the delay between retries of Stripe's library."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)


@pytest.fixture
def no_outbox_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a slow machine from publishing the first state of a charge as one that lasts."""
    monkeypatch.setattr(outbox, "SWEEP_AGE", timedelta(minutes=10))


@pytest.fixture
async def stripe_probe(stripe_url: str) -> AsyncGenerator[StripeProbe]:
    """Return access to the local Stripe server; its faults are cleared afterwards."""
    stripe_probe = StripeProbe(stripe_url)
    yield stripe_probe
    await stripe_probe.close()


@pytest.fixture
def payments_environment(environment: dict[str, Any], stripe_url: str) -> dict[str, Any]:
    """Return the settings of a payments service that reconciles often."""
    return {
        **environment,
        "stripe_key": STRIPE_KEY,
        "stripe_api_base": stripe_url,
        "stripe_webhook_secret": WEBHOOK_SECRET,
        "payment_reconcile_seconds": 0.1,
        "payment_lease_seconds": 3,
    }


@pytest.fixture
def serve_payments(
    serve: Serve, payments_environment: dict[str, Any]
) -> Callable[..., Awaitable[Client]]:
    """Return a function that starts a payments service, or another replica of it."""

    async def start(**settings: Any) -> Client:
        return await serve(create_app(Settings(**{**payments_environment, **settings})))

    return start


@pytest.fixture
async def payments(serve_payments: Callable[..., Awaitable[Client]]) -> Client:
    """Start a payments service and return a client without a session."""
    return await serve_payments()


@pytest.fixture
def orders(published: EventProbe) -> FakeOrders:
    """Return the fake orders service."""
    return FakeOrders(published)
