"""`make test-api-fuzz`: schemathesis against each OpenAPI document, on a system of its own.

Whatever is sent, no answer is a 5xx and every answer is one that the document tells of.
Schemathesis lives in an environment of its own (requirements/fuzz.txt): nothing else needs what it
brings.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from common.testing.client import make_user, session_cookie
from support.api_user import ApiUser
from support.system import System
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
"""Event streams do not end; `tests/system` and each service's tests read them."""


def fuzz(system: System, service: str, cookie: str, seconds: int, schemathesis: Path) -> bool:
    """Try one service for that long; say whether it bore it."""
    document = ROOT / "docs" / "openapi" / f"{service}.json"
    command = [
        *(str(schemathesis), "run", str(document), "--url", system.address),
        *("--header", f"Cookie: session={cookie}", "--checks", ",".join(CHECKS)),
        # One worker: Python 3.11 breaks down where two threads parse (Hypothesis' lambdas).
        *("--exclude-path-regex", STREAM_PATHS, "--max-time", str(seconds), "--workers", "1"),
        *("--request-timeout", "10", "--warnings", "off", "--no-color", "--seed", "1"),
    ]
    env = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(system_folder(system))}
    return subprocess.run(command, check=False, env=env, cwd=system_folder(system)).returncode == 0


def system_folder(system: System) -> Path:
    """Give a folder that vanishes with the system."""
    return system.processes["nats"].log.parent


async def create_test_data(system: System, cookie: str) -> None:
    """List, order and pay something, so that not all that is asked for is missing."""
    seller = ApiUser.with_signed_session(system.address)
    buyer = ApiUser.with_signed_session(system.address)
    buyer.http.cookies.set("session", cookie)
    await buyer.pay(await buyer.order(await seller.sell()))
    await buyer.order(await seller.sell())
    for person in (seller, buyer):
        await person.close()


def main() -> int:
    """Fuzz every service, one after another."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each service")
    parser.add_argument("--schemathesis", type=Path, default=ROOT / ".local/fuzz/bin/schemathesis")
    parser.add_argument("service", nargs="*", default=list(SERVICES))
    arguments = parser.parse_args()
    tmpfs = TMPFS if TMPFS.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="ticketing-fuzz-", dir=tmpfs) as folder:
        system = System(Path(folder), {"NATS_SYNC_INTERVAL": "2m"}, replicas=1)
        try:
            system.start()
            cookie = session_cookie(make_user())
            asyncio.run(create_test_data(system, cookie))
            failed = [
                service
                for service in arguments.service
                if not fuzz(system, service, cookie, arguments.seconds, arguments.schemathesis)
            ]
        finally:
            system.stop()
    print(f"Failed: {', '.join(failed)}" if failed else "Nothing found.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
