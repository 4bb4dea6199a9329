"""`make test-api-fuzz`: schemathesis against each OpenAPI document, on a system of its own.

No response may be a 5xx, and every response must be documented. Schemathesis has an environment of
its own (requirements/fuzz.txt), because nothing else needs its dependencies.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import click

from common.auth.tokens import User
from common.testing.client import make_user, session_cookie
from common.values.ids import new_id
from support.api_user import signed_in_user
from support.system import System
from ticketing_local.api_user import ApiUser
from ticketing_local.stack.paths import ROOT
from ticketing_local.testing.temporary_server import TMPFS

SERVICES: Final = ("auth", "tickets", "orders", "payments")
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
STREAM_PATHS: Final = "/events$"
"""Event streams do not end. `tests/system` and the services' tests cover them."""
ENDING_PATHS: Final = "/users/(sessions|account)$"
"""Their DELETE ends the session of an account, after which every response would be 401."""


def fuzz(
    system: System,
    service: str,
    cookie: str,
    seconds: int,
    schemathesis: Path,
    excluded: str = STREAM_PATHS,
) -> bool:
    """Fuzz one service and return whether it passed."""
    document = ROOT / "docs" / "openapi" / f"{service}.json"
    command = [
        *(str(schemathesis), "run", str(document), "--url", system.address),
        *("--header", f"Cookie: session={cookie}", "--checks", ",".join(CHECKS)),
        # One worker: Hypothesis parses lambdas, and Python 3.11 fails if two threads parse.
        *("--exclude-path-regex", excluded, "--max-time", str(seconds), "--workers", "1"),
        *("--request-timeout", "10", "--warnings", "off", "--no-color", "--seed", "1"),
    ]
    env = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(system_folder(system))}
    return subprocess.run(command, check=False, env=env, cwd=system_folder(system)).returncode == 0


def system_folder(system: System) -> Path:
    """Return a folder that is removed with the system."""
    return system.logs


async def sign_up(system: System) -> str:
    """Create an account, and return a session cookie of it."""
    async with await ApiUser.sign_up(system.address) as user:
        return session_cookie(User(id=user.id, email=user.email, session_id=new_id()))


async def create_test_data(system: System, cookie: str) -> None:
    """Create a ticket, orders and a payment, so that not every lookup returns 404."""
    seller = signed_in_user(system.address)
    buyer = signed_in_user(system.address)
    buyer.http.cookies.set("session", cookie)
    await buyer.pay(await buyer.order(await seller.sell()))
    await buyer.order(await seller.sell())
    for user in (seller, buyer):
        await user.close()


@click.command(help="Fuzz each API with schemathesis, on a system of its own.")
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
@click.option("--seconds", type=int, default=60, show_default=True, help="For each service.")
@click.option(
    "--schemathesis", type=Path, default=ROOT / ".local/fuzz/bin/schemathesis", show_default=True
)
def main(services: tuple[str, ...], seconds: int, schemathesis: Path) -> None:
    """Fuzz the services one after another and exit with 1 if one fails."""
    tmpfs = TMPFS if TMPFS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-fuzz-", dir=tmpfs) as folder:
        system = System(Path(folder), {"NATS_SYNC_INTERVAL": "2m"}, replicas=1)
        try:
            system.start()
            cookie = session_cookie(make_user(authenticated_at=time.time()))
            asyncio.run(create_test_data(system, cookie))
            failed = [
                service
                for service in services or SERVICES
                if not fuzz(system, service, cookie, seconds, schemathesis)
            ]
            if not services or "auth" in services:  # the other user has no account
                account = asyncio.run(sign_up(system))
                if not fuzz(system, "auth", account, seconds, schemathesis, ENDING_PATHS):
                    failed.append("auth with an account")
        finally:
            system.stop()
    if failed:
        click.echo(f"Failed: {', '.join(failed)}")
        sys.exit(1)
    click.echo("No failures.")


if __name__ == "__main__":
    main()
