"""What the people who run it at night can see of it in numbers."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from common.testing.plugin import eventually
from support.api_user import Person
from support.system import System

Sample = tuple[str, dict[str, str]]


async def measured(
    system: System, service: str
) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Read what a service tells Prometheus: by name, then by labels."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{system.port[service]}/metrics", timeout=10)
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def value(system: System, service: str, name: str, **labels: str) -> float:
    """Read one number; 0 where it was never counted."""
    found = await measured(system, service)
    return found.get(name, {}).get(tuple(sorted(labels.items())), 0.0)


async def test_a_purchase_and_an_expiry_are_counted(system: System) -> None:
    seller, buyer, rival = [
        await Person.signed_up(system.address, name) for name in ("seller", "buyer", "rival")
    ]
    won = await value(system, "orders", "orders_reservations_total", outcome="won")
    lost = await value(system, "orders", "orders_reservations_total", outcome="lost")
    late = await value(system, "orders", "orders_expired_late_seconds_count")
    paid = await value(system, "payments", "payments_charges_total", status="succeeded")

    ticket = await seller.sell()
    order = await buyer.order(ticket)
    await rival.ask("POST", "/api/orders", {"ticketId": ticket["id"]}, expect=400)
    await buyer.pay(order)
    forgotten = await buyer.order(await seller.sell())
    await buyer.sees(f"/api/orders/{forgotten['id']}", status="cancelled")
    for person in (seller, buyer, rival):
        await person.leave()

    async def told(service: str, name: str, **labels: str) -> float:
        return await value(system, service, name, **labels)

    assert await told("orders", "orders_reservations_total", outcome="won") == won + 2
    assert await told("orders", "orders_reservations_total", outcome="lost") == lost + 1
    assert await told("payments", "payments_charges_total", status="succeeded") == paid + 1
    assert await told("orders", "orders_expired_late_seconds_count") == late + 1


async def test_each_service_tells_what_waits_and_what_is_in_use(system: System) -> None:
    expected = {
        "auth": {"sessions", "accounts"},
        "tickets": {"tickets"},
        "orders": {"orders"},
        "expiration": {"deadlines"},
        "payments": {"charges"},
    }
    for service, collections in expected.items():
        found = await measured(system, service)
        for gauge in ("outbox_waiting", "outbox_age_seconds", "store_documents"):
            assert {dict(labels)["collection"] for labels in found[gauge]} == collections, service
        durables = {dict(labels)["durable"] for labels in found.get("bus_consumer_pending", {})}
        assert all(name.startswith(f"{service}-") for name in durables)
        assert bool(durables) == (service != "auth")
        assert set(found.get("bus_dead_letters_waiting", {})) == {
            (("durable", d),) for d in durables
        }
        assert {dict(labels)["state"] for labels in found["mongo_pool_connections"]} == {
            "in use",
            "idle",
        }
        assert sum(found["mongo_pool_connections"].values()) >= 1
        assert found["process_resident_memory_bytes"]


async def test_the_worker_tells_of_its_alarms_and_of_what_it_publishes(
    system: System,
) -> None:
    async def read(name: str, **labels: str) -> float:
        async with httpx.AsyncClient(trust_env=False) as http:
            told = (await http.get(f"http://127.0.0.1:{system.port['worker']}/metrics")).text
        samples = [s for f in text_string_to_metric_families(told) for s in f.samples]
        return sum(s.value for s in samples if (s.name, s.labels) == (name, labels))

    rang = await read("expiration_alarms_total", outcome="fired")
    seller = await Person.signed_up(system.address, "seller")
    buyer = Person.known(system.address)
    forgotten = await buyer.order(await seller.sell())
    await buyer.sees(f"/api/orders/{forgotten['id']}", status="cancelled")
    for person in (seller, buyer):
        await person.leave()
    assert await read("expiration_alarms_total", outcome="fired") == rang + 1
    told = {"subject": "expiration.completed", "outcome": "ok"}
    assert await read("bus_published_total", **told) >= 1


async def test_an_event_that_cannot_be_published_shows_in_the_outbox(system: System) -> None:
    seller = await Person.signed_up(system.address, "seller")
    nats = system.processes["nats"]
    nats.pause()
    try:
        await seller.sell()

        async def waits() -> bool:
            return await value(system, "tickets", "outbox_waiting", collection="tickets") >= 1

        async def ages() -> bool:
            age = await value(system, "tickets", "outbox_age_seconds", collection="tickets")
            return age > 1

        await eventually(waits, 20)
        await eventually(ages, 20)
    finally:
        nats.resume()

    async def published() -> bool:
        return await value(system, "tickets", "outbox_waiting", collection="tickets") == 0

    await eventually(published, 30)
    system.wait_ready()
    await seller.leave()
