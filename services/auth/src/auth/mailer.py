"""Creates the app of the mailer: it sends letters, and nothing else, so that it scales alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI

from auth.delivery import Delivery
from auth.letter_links import LetterLinks
from auth.mailer_settings import MailerSettings
from auth.preview import preview_router
from auth.rendering import LetterRenderer
from auth.store.accounts import AccountDocument, AccountStore
from auth.store.letters import (
    LetterDocument,
    LetterStore,
    ResetRequestDocument,
    ResetRequestStore,
)
from auth.transport import Transport
from common.app import Service
from common.background import run_periodically
from common.lifecycle import ServiceState
from common.values.clock import Clock

log = structlog.get_logger("mailer")


def create_app(settings: MailerSettings | None = None, clock: Clock | None = None) -> FastAPI:
    """Create the app. uvicorn calls this, so importing the module reads no environment."""
    settings = settings or MailerSettings.from_environment()
    service = Service.from_settings("auth", settings, clock)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[ServiceState]:
        transport = Transport.from_settings(settings)
        if transport is None:
            log.warning("SMTP_URL is not set: letters are written, but not sent")
        documents = [AccountDocument, LetterDocument, ResetRequestDocument]
        async with service.open(documents) as running:
            delivery = Delivery(
                letters=LetterStore(running.relay, running.clock),
                accounts=AccountStore(running.relay, running.clock),
                reset_requests=ResetRequestStore(),
                renderer=LetterRenderer(LetterLinks(settings.letter_key, settings.public_url)),
                transport=transport,
                mail_from=settings.mail_from,
                clock=running.clock,
            )
            async with run_periodically(
                settings.mailer_interval_seconds, delivery.run, name="mailer"
            ):
                yield ServiceState(running=running)

    preview = [preview_router(settings.public_url)] if settings.letter_preview else []
    return service.app(lifespan, *preview)
