"""Sends the letters that are due, and writes those that were asked for without a session."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog
from jinja2 import TemplateError
from prometheus_client import Counter

from auth.domain.letter import Letter, LetterKind, LetterState, write_letter
from auth.rendering import LetterRenderer
from auth.store.accounts import AccountStore
from auth.store.letters import LetterStore, ResetRequestStore
from auth.transport import NotAccepted, Refused, SmtpConnection, Transport, create_message
from common.errors import NotFound
from common.values.clock import Clock

log = structlog.get_logger("mailer")

LETTERS: Final = Counter("letter_attempts_total", "Attempts to send a letter", ["kind", "outcome"])
BATCH_SIZE: Final = 100
CONNECTIONS: Final = 4
"""So that a server that does not respond to one letter delays few others."""


class Delivery:
    """Sends letters. Several processes can do so: each letter is leased for an attempt."""

    def __init__(
        self,
        *,
        letters: LetterStore,
        accounts: AccountStore,
        reset_requests: ResetRequestStore,
        renderer: LetterRenderer,
        transport: Transport | None,
        mail_from: str,
        clock: Clock,
    ) -> None:
        self._letters = letters
        self._accounts = accounts
        self._reset_requests = reset_requests
        self._renderer = renderer
        self._transport = transport
        self._mail_from = mail_from
        self._clock = clock

    async def run(self) -> None:
        """Write the letters for requested resets, and send all letters that are due."""
        await self._write_reset_letters()
        if self._transport is None:
            await self._letters.forget_unsendable()
        while self._transport is not None:
            due = await self._letters.list_due(self._clock(), BATCH_SIZE)
            if due:
                shares = [due[number::CONNECTIONS] for number in range(min(CONNECTIONS, len(due)))]
                await asyncio.gather(*(self._send_all(self._transport, one) for one in shares))
            if len(due) < BATCH_SIZE:
                return

    async def _write_reset_letters(self) -> None:
        """Write a letter for each request whose address has an account, and delete the request."""
        for request_id, email in await self._reset_requests.list_oldest(BATCH_SIZE):
            account = await self._accounts.find_by_email(email)
            if account is not None:
                change = write_letter(
                    f"reset:{request_id}",
                    LetterKind.RESET,
                    account.id,
                    now=self._clock(),
                    credentials_version=account.credentials_version,
                )
                await self._letters.add_unless_written(change)
            await self._reset_requests.remove(request_id)

    async def _send_all(self, transport: Transport, letters: Sequence[Letter]) -> None:
        """Send letters over one connection, and over a new one after a letter broke it."""
        remaining = list(letters)
        while remaining:
            try:
                async with transport.connect() as connection:
                    while remaining and connection.is_usable:
                        await self._send(connection, remaining.pop(0))
            except NotAccepted as error:  # no connection
                log.warning("mail server not available", reason=str(error))
                for letter in remaining:
                    if leased := await self._lease(letter.id):
                        await self._postpone(leased, str(error))
                return

    async def _send(self, connection: SmtpConnection, letter: Letter) -> None:
        """Send one letter, unless another process has leased it."""
        leased = await self._lease(letter.id)
        if leased is None:
            return
        recipient = await self._find_recipient(leased)
        if recipient is None:
            await self._refuse(leased, "no account")
            return
        address, language = recipient
        try:
            rendered = self._renderer.render(leased, language)
            message = create_message(leased, rendered, address, self._mail_from)
            await connection.send(message)
        except Refused as error:
            await self._refuse(leased, str(error))
        except NotAccepted as error:
            await self._postpone(leased, str(error))
        except (TemplateError, KeyError, ValueError):  # the template has a mistake
            log.exception("letter not rendered", letter_id=leased.id, kind=leased.kind)
            await self._postpone(leased, "not rendered")
        else:
            now = self._clock()
            await self._letters.update(leased.id, lambda current: current.mark_sent(now))
            LETTERS.labels(leased.kind, "sent").inc()

    async def _find_recipient(self, letter: Letter) -> tuple[str, str | None] | None:
        """Return the address and the language of a letter, or None if its account is gone."""
        if letter.kind is LetterKind.ACCOUNT_DELETED:
            return (letter.address, str(letter.facts["language"])) if letter.address else None
        account = await self._accounts.find(letter.user_id)
        return None if account is None else (letter.address or account.email, account.language)

    async def _lease(self, letter_id: str) -> Letter | None:
        """Lease a letter for an attempt, or return None if it is not to be sent now."""
        now = self._clock()
        with suppress(NotFound):
            letter = await self._letters.update(letter_id, lambda current: current.lease(now))
            if letter.state is LetterState.QUEUED:
                return letter
            LETTERS.labels(letter.kind, letter.state).inc()
        return None

    async def _refuse(self, letter: Letter, refusal: str) -> None:
        await self._letters.update(letter.id, lambda current: current.mark_refused(refusal))
        log.warning("letter refused", letter_id=letter.id, kind=letter.kind, refusal=refusal)
        LETTERS.labels(letter.kind, "refused").inc()

    async def _postpone(self, letter: Letter, refusal: str) -> None:
        now = self._clock()
        await self._letters.update(letter.id, lambda current: current.postpone(refusal, now))
        LETTERS.labels(letter.kind, "postponed").inc()
