"""The command line: `python -m stripe_local` serves until it is stopped."""

import argparse
import os
import sys
from urllib.parse import urlsplit

import uvicorn

from stripe_local.app import create_app
from stripe_local.settings import Settings

_SECRET = "STRIPE_WEBHOOK_SECRET"  # noqa: S105  # the name of a variable


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="stripe_local", description="A local server that speaks Stripe's API."
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=12111, help="default: %(default)s")
    parser.add_argument("--db", default=":memory:", help="SQLite file; default: %(default)s")
    parser.add_argument("--public", help="base URL for browsers; default: from --host and --port")
    parser.add_argument(
        "--hook",
        action="append",
        default=[],
        metavar="URL[=SECRET]",
        help=f"send events there; the secret is best left to ${_SECRET}, which `ps` does not show",
    )
    parser.add_argument(
        "--events", default="*", help="comma-separated event types sent to --hook; default: all"
    )
    return parser.parse_args()


def _parse_hook(argument: str) -> tuple[str, str]:
    """The address, and its own secret or the environment's."""
    url, _, own_secret = argument.partition("=")
    secret = own_secret or os.environ.get(_SECRET, "")
    if not secret:
        sys.exit(f"stripe_local: --hook {url} needs a secret: set {_SECRET}")
    if urlsplit(url).scheme not in {"http", "https"}:
        sys.exit(f"stripe_local: --hook {url} is not an http address")
    return url, secret


def main() -> None:
    """Serve."""
    arguments = _arguments()
    settings = Settings(
        public_url=(arguments.public or f"http://{arguments.host}:{arguments.port}").rstrip("/"),
        webhook_endpoints=tuple(_parse_hook(hook) for hook in arguments.hook),
        webhook_event_types=tuple(arguments.events.split(",")),
    )
    uvicorn.run(
        create_app(arguments.db, settings),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
