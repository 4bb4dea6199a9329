"""The metrics that the services and the worker export."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from common.testing.polling import eventually
from support.system import System
from ticketing_local.api_user import ApiUser

Sample = tuple[str, dict[str, str]]


async def read_metrics(
    system: System, service: str
) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the metrics of a service by name and labels."""
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.get(f"http://127.0.0.1:{system.port[service]}/metrics")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def read_metric(system: System, service: str, name: str, **labels: str) -> float:
    """Return one metric, or 0 if it does not exist."""
    found = await read_metrics(system, service)
    return found.get(name, {}).get(tuple(sorted(labels.items())), 0.0)


async def test_purchase_and_expiration_are_counted(system: System) -> None:
    seller, buyer, rival = [
        await ApiUser.sign_up(system.address, name) for name in ("seller", "buyer", "rival")
    ]
    won = await read_metric(system, "orders", "orders_reservations_total", outcome="accepted")
    lost = await read_metric(system, "orders", "orders_reservations_total", outcome="rejected")
    expired_late = await read_metric(system, "orders", "order_expiration_lag_seconds_count")
    paid = await read_metric(
        system, "payments", "payment_charge_transitions_total", status="succeeded"
    )
    fired = await read_metric(system, "worker", "expiration_timers_total", outcome="fired")

    ticket = await seller.sell()
    order = await buyer.order(ticket)
    await rival.request_ok("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=400)
    await buyer.pay(order)
    expired = await buyer.order(await seller.sell())
    await buyer.wait_for(f"/api/orders/{expired['id']}", status="cancelled")
    for user in (seller, buyer, rival):
        await user.close()

    async def counted(service: str, name: str, expected: float, **labels: str) -> None:
        async def has_value() -> bool:
            return await read_metric(system, service, name, **labels) == expected

        await eventually(has_value)  # the worker counts after it has published

    await counted("orders", "orders_reservations_total", won + 2, outcome="accepted")
    await counted("orders", "orders_reservations_total", lost + 1, outcome="rejected")
    await counted("payments", "payment_charge_transitions_total", paid + 1, status="succeeded")
    await counted("orders", "order_expiration_lag_seconds_count", expired_late + 1)
    await counted("worker", "expiration_timers_total", fired + 1, outcome="fired")
    published = {"subject": "expiration.completed", "outcome": "ok"}

    async def is_publication_counted() -> bool:  # once NATS's ack has arrived
        return await read_metric(system, "worker", "bus_published_total", **published) >= 1

    await eventually(is_publication_counted)


async def test_each_service_exports_backlog_and_pool_metrics(system: System) -> None:
    expected = {
        "auth": {"sessions", "accounts", "letters", "passkeys", "erased_users"},
        "tickets": {"tickets", "shows", "vault"},
        "orders": {"orders"},
        "expiration": {"deadlines"},
        "payments": {"charges", "sellers"},
    }
    for service, collections in expected.items():
        found = await read_metrics(system, service)
        for gauge in ("outbox_pending_aggregates", "outbox_age_seconds", "mongo_documents"):
            assert {dict(labels)["collection"] for labels in found[gauge]} == collections, service
        durables = {
            dict(labels)["durable"] for labels in found.get("jetstream_consumer_num_pending", {})
        }
        assert all(name.startswith(f"{service}-") for name in durables)
        assert durables, service
        assert set(found.get("dead_letters", {})) == {(("durable", d),) for d in durables}
        assert {dict(labels)["state"] for labels in found["mongo_pool_connections"]} == {
            "in use",
            "idle",
        }
        assert sum(found["mongo_pool_connections"].values()) >= 1
        assert found["process_resident_memory_bytes"]


async def test_unpublished_event_shows_in_outbox_metrics(system: System) -> None:
    seller = await ApiUser.sign_up(system.address, "seller")
    nats = system.processes["nats"]
    nats.pause()
    try:
        await seller.sell()

        async def is_pending() -> bool:
            return (
                await read_metric(
                    system, "tickets", "outbox_pending_aggregates", collection="tickets"
                )
                >= 1
            )

        async def is_aging() -> bool:
            age = await read_metric(system, "tickets", "outbox_age_seconds", collection="tickets")
            return age > 1

        await eventually(is_pending)
        await eventually(is_aging)
    finally:
        nats.resume()

    async def is_published() -> bool:
        return (
            await read_metric(system, "tickets", "outbox_pending_aggregates", collection="tickets")
            == 0
        )

    await eventually(is_published)
    system.wait_ready()
    await seller.close()
