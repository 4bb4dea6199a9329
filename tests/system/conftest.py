import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from common.auth.tokens import User
from payments.testing import StripeProbe
from support import system_hooks
from support.api_user import MakeSignedInUser, SignUp, signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.testing.temporary_server import TMPFS

pytest_runtest_makereport = system_hooks.pytest_runtest_makereport
pytest_runtest_teardown = system_hooks.pytest_runtest_teardown
started = system_hooks.started

ORDER_EXPIRATION_SECONDS = 20
"""Long enough to pay on a busy machine, short enough to wait for the expiration."""


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """Start the whole system behind its gateway, with two replicas of each service."""
    tmpfs = TMPFS if TMPFS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-system-", dir=tmpfs) as folder:
        settings = {
            "ORDER_EXPIRATION_SECONDS": str(ORDER_EXPIRATION_SECONDS),
            "PAYMENT_MARGIN_SECONDS": "0",
            "NATS_SYNC_INTERVAL": "2m",  # a test does not need durability
        }
        running = System(Path(folder), settings)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture
async def stripe(system: System) -> AsyncGenerator[StripeProbe]:
    """Return access to the local Stripe server."""
    stripe = StripeProbe(system.stripe)
    yield stripe
    await stripe.close()


@pytest.fixture
async def sign_up(system: System) -> AsyncGenerator[SignUp]:
    """Return a function that signs up a user."""
    users: list[ApiUser] = []

    async def sign_up_user(name: str) -> ApiUser:
        users.append(await ApiUser.sign_up(system.address, name))
        return users[-1]

    yield sign_up_user
    for api_user in users:
        await api_user.close()


@pytest.fixture
async def seller(sign_up: SignUp) -> ApiUser:
    return await sign_up("seller")


@pytest.fixture
async def buyer(sign_up: SignUp) -> ApiUser:
    return await sign_up("buyer")


@pytest.fixture
async def make_signed_in_user(system: System) -> AsyncGenerator[MakeSignedInUser]:
    """Return a function that creates a user whose session was signed without auth."""
    users: list[ApiUser] = []

    def make_user(user: User | None = None) -> ApiUser:
        users.append(signed_in_user(system.address, user))
        return users[-1]

    yield make_user
    for api_user in users:
        await api_user.close()
