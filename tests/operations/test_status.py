"""`make status`: what somebody woken at night sees first."""

import pytest

from common.testing.plugin import eventually
from support.system import System
from ticketing_local.commands import status
from ticketing_local.commands.status import Part


async def test_a_running_system_is_shown_part_by_part_on_one_screen(system: System) -> None:
    parts = status.look(system.told)
    screen = status.screen(parts)
    assert all(part.well for part in parts), screen
    assert screen.endswith("All is well.")
    for name in ("gateway", "mongod", "nats", "redis", "stripe", "auth", "payments", "worker"):
        assert any(line.startswith(f"{name} ") for line in screen.splitlines())
    assert "0.1.0" in screen
    lines = screen.splitlines()
    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 100


async def test_a_part_that_is_away_is_named(system: System) -> None:
    system.processes["tickets"].pause()
    try:

        async def away() -> list[str]:
            return [part.name for part in status.look(system.told) if not part.well]

        assert "tickets" in await eventually(away, 20)
    finally:
        system.processes["tickets"].resume()
        system.wait_ready()


@pytest.mark.parametrize("name", ["worker", "stripe"])
async def test_what_no_request_would_miss_is_named_when_it_is_away(
    system: System, name: str
) -> None:
    system.processes[name].kill()
    try:
        assert status.advice(status.look(system.told))[0] == f"{name} is away"
    finally:
        system.processes[name].start()
        system.wait_ready()


def test_what_compose_runs_is_not_told_to_be_away() -> None:
    parts = [Part("gateway", well=True), Part("mongod", well=False), Part("orders", well=False)]
    (advice,) = status.advice(parts)
    assert "docker compose ps" in advice


def test_dead_letters_and_old_events_ask_for_somebody() -> None:
    measured = {"bus_dead_letters_waiting": 2.0, "outbox_age_seconds": 61.0}
    parts = [Part(name, well=True, measured=measured) for name in ("orders", "orders-2")]
    assert status.advice(parts) == [
        "orders has 2 dead letters: make dead-letters",
        "orders has an event that could not be published for 61 s",
        "See docs/operations.md.",
    ]
