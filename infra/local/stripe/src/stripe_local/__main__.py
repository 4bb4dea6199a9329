"""`python -m stripe_local`: serve until stopped."""

import argparse
import os
import sys
from urllib.parse import urlsplit

import uvicorn

from stripe_local.app import build
from stripe_local.settings import Settings

_SECRET = "STRIPE_WEBHOOK_SECRET"  # noqa: S105  # the name of a variable


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="stripe_local", description="A local server that speaks Stripe's API."
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=12111, help="default: %(default)s")
    parser.add_argument("--db", default=":memory:", help="SQLite file; default: %(default)s")
    parser.add_argument("--public", help="address browsers reach it at; default: from host, port")
    parser.add_argument(
        "--hook",
        action="append",
        default=[],
        metavar="URL[=SECRET]",
        help=f"send events there; the secret is best left to ${_SECRET}, which `ps` does not show",
    )
    parser.add_argument(
        "--events", default="*", help="event types that go to --hook, by commas; default: all"
    )
    return parser.parse_args()


def _hook(given: str) -> tuple[str, str]:
    """The address, and its own secret or the environment's."""
    url, _, own = given.partition("=")
    secret = own or os.environ.get(_SECRET, "")
    if not secret:
        sys.exit(f"stripe_local: --hook {url} needs a secret: set {_SECRET}")
    if urlsplit(url).scheme not in {"http", "https"}:
        sys.exit(f"stripe_local: --hook {url} is not an http address")
    return url, secret


def main() -> None:
    """Serve."""
    given = _arguments()
    settings = Settings(
        public=(given.public or f"http://{given.host}:{given.port}").rstrip("/"),
        hooks=tuple(_hook(hook) for hook in given.hook),
        hook_events=tuple(given.events.split(",")),
    )
    uvicorn.run(
        build(given.db, settings),
        host=given.host,
        port=given.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
