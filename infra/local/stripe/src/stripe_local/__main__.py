"""The command line: `python -m stripe_local` serves until it is stopped."""

import os
from urllib.parse import urlsplit

import click
import uvicorn

from stripe_local.app import create_app
from stripe_local.settings import Settings

LOCAL_KEY = "sk_test_local"
"""The application's key for this server. With another, the application uses the real Stripe."""


def _parse_hook(hook: str) -> tuple[str, str]:
    url, _, secret = hook.partition("=")
    secret = secret or os.environ.get("STRIPE_WEBHOOK_SECRET", "")
    if not secret:
        raise click.ClickException(f"--hook {url} needs a secret: set STRIPE_WEBHOOK_SECRET")
    if urlsplit(url).scheme not in {"http", "https"}:
        raise click.ClickException(f"--hook {url} is not an http address")
    return url, secret


@click.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=12111)
@click.option("--db", default=":memory:", help="SQLite file.")
@click.option("--public", help="Base URL for browsers; by default from --host and --port.")
@click.option(
    "--hook",
    "hooks",
    multiple=True,
    metavar="URL[=SECRET]",
    help="Send events to this URL. Prefer $STRIPE_WEBHOOK_SECRET: `ps` shows arguments.",
)
@click.option("--events", default="*", help="Comma-separated event types for --hook.")
def main(
    *, host: str, port: int, db: str, public: str | None, hooks: tuple[str, ...], events: str
) -> None:
    """Serve Stripe's API locally."""
    settings = Settings(
        public_url=(public or f"http://{host}:{port}").rstrip("/"),
        webhook_endpoints=tuple(_parse_hook(hook) for hook in hooks),
        webhook_event_types=tuple(events.split(",")),
        has_control_api=os.environ.get("STRIPE_KEY", "") in {"", LOCAL_KEY},
    )
    uvicorn.run(
        create_app(db, settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
