"""`make status`: what somebody woken at night sees first."""

from common.testing import eventually
from harness.system import System
from ticketing_local import status
from ticketing_local.status import Part


async def test_a_running_system_is_shown_part_by_part_on_one_screen(system: System) -> None:
    parts = status.look(system.port)
    screen = status.screen(parts)
    assert all(part.well for part in parts), screen
    assert screen.endswith("All is well.")
    for name in ("gateway", "mongod", "nats", "redis", "auth", "expiration", "payments"):
        assert any(line.startswith(f"{name} ") for line in screen.splitlines())
    assert "0.1.0" in screen
    lines = screen.splitlines()
    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 100


async def test_a_part_that_is_away_is_named(system: System) -> None:
    system.processes["tickets"].pause()
    try:

        async def away() -> list[str]:
            return [part.name for part in status.look(system.port) if not part.well]

        assert "tickets" in await eventually(away, 20)
    finally:
        system.processes["tickets"].resume()
        system.wait_ready()


def test_dead_letters_and_old_events_ask_for_somebody() -> None:
    measured = {"bus_dead_letters_waiting": 2.0, "outbox_age_seconds": 61.0}
    parts = [Part(name, well=True, measured=measured) for name in ("orders", "orders-2")]
    assert status.advice(parts) == [
        "orders has 2 dead letters: make dead-letters",
        "orders has an event that could not be published for 61 s",
        "See docs/operations.md.",
    ]
