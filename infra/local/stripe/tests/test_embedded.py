"""The server inside a test's own process, with less patience than usual."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from stripe_local.app import build
from stripe_local.documents import new_id
from stripe_local.http.idempotency import Answer, Claim, IdempotencyKeys
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.testing import SECRET_KEY, eventually, free_port
from stripe_local.webhooks.delivery_queue import Deliveries

TICKET = {"amount": "2000", "currency": "usd"}


@pytest.fixture
def forgetful() -> Iterator[httpx.Client]:
    port = free_port()
    app = build(":memory:", Settings(keys_kept_seconds=0.2))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=(SECRET_KEY, "")) as client:
        yield client
    server.should_exit = True
    thread.join()


def test_a_key_is_forgotten_after_its_time(forgetful: httpx.Client) -> None:
    def create() -> str:
        headers = {"Idempotency-Key": "order-1"}
        return forgetful.post("/v1/payment_intents", data=TICKET, headers=headers).json()["id"]

    first = create()

    eventually(lambda: create() != first)


def test_what_is_over_is_cleared_away_and_what_is_owed_is_not(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "stripe.db"))
    deliveries = Deliveries(store)
    keys = IdempotencyKeys(store, kept_seconds=-1)
    event = {"id": new_id("evt_"), "type": "payment_intent.succeeded"}
    for _ in range(2):
        deliveries.owe(event, "we_1")
    (taken, _) = deliveries.take(2)
    deliveries.arrived(taken, "200")
    keys.save(Claim("order-1", "/v1/refunds", ""), Answer(200, "{}", "req_1"))

    deliveries.prune(kept_seconds=-1)
    keys.prune()

    assert [row["state"] for row in deliveries.recent(0, 10)] == ["sending"]
    assert store.connection.execute("select count(*) from idempotency_keys").fetchone() == (0,)
    store.close()


def test_what_was_being_sent_when_the_process_died_is_sent_again(tmp_path: Path) -> None:
    first = Store(str(tmp_path / "stripe.db"))
    Deliveries(first).owe({"id": "evt_1", "type": "payment_intent.succeeded"}, "we_1")
    Deliveries(first).take(1)
    first.close()

    second = Store(str(tmp_path / "stripe.db"))

    assert [delivery.event for delivery in Deliveries(second).take(1)] == ["evt_1"]
    second.close()
