"""The ASGI app: SMTP beside the control API and the pages, in one process."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from starlette.applications import Starlette

from mail_local.control_api import ControlApi
from mail_local.faults import Faults
from mail_local.mailbox import Mailbox
from mail_local.pages import Pages
from mail_local.smtp import serve_smtp


@dataclass(frozen=True)
class Settings:
    """Where the letters are stored, and where SMTP listens."""

    database: str = ":memory:"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 12025


def create_app(settings: Settings) -> Starlette:
    """Create the app and open its SQLite file."""
    mailbox = Mailbox(settings.database)
    faults = Faults()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        server = await serve_smtp(settings.smtp_host, settings.smtp_port, mailbox, faults)
        try:
            yield
        finally:
            faults.clear()
            server.close()
            mailbox.close()

    return Starlette(
        routes=[*ControlApi(mailbox, faults).routes(), *Pages(mailbox).routes()],
        lifespan=lifespan,
    )
