import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from common.auth.tokens import User
from payments.testing import Bank
from support.api_user import Arrive, Known, Person
from support.system import System
from ticketing_local.testing.temporary_server import MEMORY

WINDOW = 6
"""Seconds an order has: enough to pay on a busy machine, short enough to wait for its end."""


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The whole system behind its gateway, two replicas of each service, started once."""
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-system-", dir=memory) as folder:
        settings = {
            "ORDER_EXPIRATION_SECONDS": str(WINDOW),
            "PAYMENT_MARGIN_SECONDS": "0",
            "NATS_SYNC_INTERVAL": "2m",  # no power fails in a test
        }
        running = System(Path(folder), settings)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture
async def bank(system: System) -> AsyncGenerator[Bank]:
    """What a test sees and does at Stripe."""
    bank = Bank(system.stripe)
    yield bank
    await bank.close()


@pytest.fixture
async def arrive(system: System) -> AsyncGenerator[Arrive]:
    """People who sign up when they come."""
    here: list[Person] = []

    async def come(name: str) -> Person:
        here.append(await Person.signed_up(system.address, name))
        return here[-1]

    yield come
    for person in here:
        await person.leave()


@pytest.fixture
async def seller(arrive: Arrive) -> Person:
    return await arrive("seller")


@pytest.fixture
async def buyer(arrive: Arrive) -> Person:
    return await arrive("buyer")


@pytest.fixture
async def known(system: System) -> AsyncGenerator[Known]:
    """People whose session was signed without asking auth."""
    here: list[Person] = []

    def come(user: User | None = None) -> Person:
        here.append(Person.known(system.address, user))
        return here[-1]

    yield come
    for person in here:
        await person.leave()
