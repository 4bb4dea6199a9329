"""The set-up of a nats-server: its users' passwords, its streams and its durable consumers."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import nats

from common.messaging.connection import NATS_ERRORS, Connection
from common.messaging.declarations import declare
from ticketing_local.stack.ports import SERVICES
from ticketing_local.stack.stored_secrets import StoredSecrets

ADMIN: Final = "admin"
OPERATOR: Final = "operator"
USERS: Final = (ADMIN, OPERATOR, *SERVICES)
CONNECT_TIMEOUT_SECONDS: Final = 2


def secret_name(user: str) -> str:
    """Return the name of the stored secret that holds a user's password."""
    return f"nats-{user}"


def passwords(secrets: StoredSecrets) -> dict[str, str]:
    """Return the environment from which `infra/nats/accounts.conf` takes the passwords."""
    return {f"NATS_{user.upper()}_PASSWORD": secrets.read(secret_name(user)) for user in USERS}


def set_up(port: int, secrets: StoredSecrets) -> Callable[[], bool]:
    """Return a step that declares the streams and the durable consumers.

    The step returns False while the server is not ready for it, and is then repeated.
    """

    def run() -> bool:
        password = secrets.read(secret_name(ADMIN))
        try:
            with ThreadPoolExecutor(1) as pool:  # a test's own thread may run an event loop
                pool.submit(asyncio.run, _declare(port, password)).result()
        except NATS_ERRORS:
            return False
        return True

    return run


async def _declare(port: int, password: str) -> None:
    async def ignore_error(_: Exception) -> None:
        """Ignore the error, because it is also raised."""

    client = await nats.connect(
        f"nats://127.0.0.1:{port}",
        user=ADMIN,
        password=password,
        allow_reconnect=False,
        max_reconnect_attempts=1,  # also limits the attempts to connect at first
        reconnect_time_wait=0,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        error_cb=ignore_error,
    )
    try:
        await declare(Connection(client, client.jetstream(), ADMIN))
    finally:
        await client.close()
