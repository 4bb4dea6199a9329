"""Declares the streams and the durable consumers, as NATS's user `admin`.

    python -m common.operations.set_up_nats
    python -m common.operations.set_up_nats --every 60

Services only use what this step declares. It waits for NATS, and repeating it changes nothing.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import click
import structlog
from pydantic import Field, SecretStr

from common.availability import wait_until_available
from common.messaging import bus
from common.messaging.connection import unavailability_reason
from common.messaging.declarations import declare
from common.observability.logging import configure_logging
from common.settings import EnvironmentSettings, NatsUrl

log = structlog.get_logger("set-up")


class SetUpSettings(EnvironmentSettings):
    """The settings of the set-up step."""

    nats_url: NatsUrl
    nats_password: SecretStr = SecretStr("")
    """The password of the user `admin`. Empty connects without authentication."""
    nats_replicas: Annotated[int, Field(ge=1, le=5)] = 1
    """Copies of each stream: 1 on one NATS server, 3 on three."""


@click.command()
@click.option("--every", type=float, help="Repeat after so many seconds, until stopped.")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Create it when all exists.")
def main(every: float | None, ready_file: Path | None) -> None:
    """Declare the streams and the durable consumers."""
    configure_logging("set-up", log_format="json", level="INFO")
    asyncio.run(_set_up(SetUpSettings.from_environment(), every, ready_file))


async def _set_up(settings: SetUpSettings, every: float | None, ready_file: Path | None) -> None:
    password = settings.nats_password.get_secret_value()
    async with bus.connect(settings.nats_url, "admin", password=password) as connected:
        await declare_when_available(connected, settings.nats_replicas)
        log.info("streams and durable consumers declared")
        if ready_file is not None:
            ready_file.touch()  # noqa: ASYNC240 - nothing else runs in this loop
        while every is not None:
            await asyncio.sleep(every)
            await declare_when_available(connected, settings.nats_replicas)


async def declare_when_available(admin: bus.Bus, replicas: int = 1) -> None:
    """Declare everything as soon as JetStream accepts it."""
    await wait_until_available(
        "JetStream",
        lambda: declare(admin.connection, replicas=replicas),
        unavailability_reason,
    )


if __name__ == "__main__":
    main()
