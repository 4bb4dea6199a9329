"""`make status`: the health and backlog of every component on one screen."""

import pytest

from common.testing.polling import eventually
from support.system import System
from ticketing_local.commands import status
from ticketing_local.commands.status import Component


async def test_status_lists_every_component_on_one_screen(system: System) -> None:
    components = status.collect(system.environ)
    output = status.render(components)
    assert all(component.healthy for component in components), output
    assert output.endswith("All components are healthy.")
    third_party = ("gateway", "mongod", "nats", "redis", "stripe", "mail")
    for name in (*third_party, "auth", "payments", "worker", "mailer"):
        assert any(line.startswith(f"{name} ") for line in output.splitlines())
    assert "0.1.0" in output
    lines = output.splitlines()
    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 100


async def test_down_component_is_named(system: System) -> None:
    system.processes["tickets"].pause()
    try:

        async def down_components() -> list[str]:
            return [part.name for part in status.collect(system.environ) if not part.healthy]

        assert "tickets" in await eventually(down_components)
    finally:
        system.processes["tickets"].resume()
        system.wait_ready()


@pytest.mark.parametrize("name", ["worker", "stripe"])
async def test_down_background_component_is_named(system: System, name: str) -> None:
    system.processes[name].kill()
    try:
        assert status.suggestions(status.collect(system.environ))[0] == f"{name} is down"
    finally:
        system.processes[name].start()
        system.wait_ready()


def test_compose_components_are_not_reported_down() -> None:
    components = [
        Component("gateway", healthy=True),
        Component("mongod", healthy=False),
        Component("orders", healthy=False),
    ]
    (suggestion,) = status.suggestions(components)
    assert "docker compose ps" in suggestion


def test_dead_letters_and_stale_outbox_are_reported() -> None:
    measured = {"dead_letters": 2.0, "outbox_age_seconds": 61.0}
    components = [
        Component(name, healthy=True, metrics=measured) for name in ("orders", "orders-2")
    ]
    assert status.suggestions(components) == [
        "orders has 2 dead letters: make dead-letters",
        "orders has an event unpublished for 61 s",
        "See docs/operations.md.",
    ]
