"""A server process, a client of the real SDK, and a webhook receiver."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from stripe_local.testing import Server, WebhookReceiver, run_webhook_receiver


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("stripe") / "stripe.db") as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.clear()
    return running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "stripe.db") as server:
        yield server


@pytest.fixture
def client(server: Server) -> stripe.StripeClient:
    return server.client()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with run_webhook_receiver() as webhook_receiver:
        yield webhook_receiver
