"""The app run inside the test process, with shorter delays."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from stripe_local.app import create_app
from stripe_local.documents import new_id
from stripe_local.http.idempotency import Claim, IdempotencyKeys, StoredResponse
from stripe_local.settings import Settings
from stripe_local.store import Store
from stripe_local.testing import SECRET_KEY
from stripe_local.webhooks.delivery_queue import Deliveries
from ticketing_local.testing.free_ports import free_port
from ticketing_local.testing.polling import wait_until

TICKET = {"amount": "2000", "currency": "usd"}


@pytest.fixture
def short_retention_client() -> Iterator[httpx.Client]:
    port = free_port()
    app = create_app(":memory:", Settings(idempotency_retention_seconds=0.2))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", auth=(SECRET_KEY, "")) as client:
        yield client
    server.should_exit = True
    thread.join()


def test_idempotency_key_expires(short_retention_client: httpx.Client) -> None:
    def create() -> str:
        headers = {"Idempotency-Key": "order-1"}
        return short_retention_client.post(
            "/v1/payment_intents", data=TICKET, headers=headers
        ).json()["id"]

    first = create()

    wait_until(lambda: create() != first)


def test_prune_removes_finished_deliveries_only(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "stripe.db"))
    deliveries = Deliveries(store)
    keys = IdempotencyKeys(store, retention_seconds=-1)
    event = {"id": new_id("evt_"), "type": "payment_intent.succeeded"}
    for _ in range(2):
        deliveries.enqueue(event, "we_1")
    (claimed, _) = deliveries.claim_due(2)
    deliveries.mark_delivered(claimed, "200")
    keys.save(Claim("order-1", "/v1/refunds", ""), StoredResponse(200, "{}", "req_1"))

    deliveries.prune(retention_seconds=-1)
    keys.prune()

    assert [row["state"] for row in deliveries.recent(0, 10)] == ["sending"]
    assert store.connection.execute("select count(*) from idempotency_keys").fetchone() == (0,)
    store.close()


def test_delivery_in_flight_at_a_crash_is_sent_again(tmp_path: Path) -> None:
    first = Store(str(tmp_path / "stripe.db"))
    Deliveries(first).enqueue({"id": "evt_1", "type": "payment_intent.succeeded"}, "we_1")
    Deliveries(first).claim_due(1)
    first.close()

    second = Store(str(tmp_path / "stripe.db"))

    assert [delivery.event for delivery in Deliveries(second).claim_due(1)] == ["evt_1"]
    second.close()
