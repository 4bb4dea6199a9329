"""Sends messages over SMTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8 as SMTPUTF8_POLICY
from email.utils import format_datetime, parseaddr
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib
import idna

from auth.domain.letter import Letter
from auth.mailer_settings import MailerSettings
from auth.rendering import RenderedLetter

DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}
PERMANENT: Final = 500
TEMPORARY_ERRORS: Final = (aiosmtplib.SMTPException, OSError, TimeoutError)


class Refused(Exception):
    """The mail server refused a letter for good. The text is its status."""


class NotAccepted(Exception):
    """A letter was not accepted now, or it is not known whether it was. The text says why."""


def create_message(
    letter: Letter, rendered: RenderedLetter, address: str, mail_from: str
) -> EmailMessage:
    """Return the message of a letter. Each copy of it has the same Message-ID.

    Raises:
        Refused: the address cannot be written into a message.
    """
    recipient = _with_ascii_domain(address)
    message = EmailMessage(SMTP_POLICY if recipient.isascii() else SMTPUTF8_POLICY)
    sender_domain = parseaddr(mail_from)[1].rpartition("@")[2]
    message["From"] = mail_from
    message["To"] = recipient
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(letter.created_at)
    message["Message-ID"] = f"<{letter.id}@{sender_domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic replies
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message


def _with_ascii_domain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise Refused("invalid address") from error
    return f"{local}@{ascii_domain}"


@dataclass(frozen=True, slots=True)
class Transport:
    """Where messages are sent."""

    host: str
    port: int
    uses_tls: bool
    username: str | None
    password: str | None
    timeout_seconds: float

    @classmethod
    def from_settings(cls, settings: MailerSettings) -> Self | None:
        """Return the server of SMTP_URL, or None if there is none."""
        if settings.smtp_url is None:
            return None
        parts = urlsplit(settings.smtp_url.get_secret_value())
        return cls(
            host=parts.hostname or "",
            port=parts.port or DEFAULT_PORTS[parts.scheme],
            uses_tls=parts.scheme == "smtps",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            timeout_seconds=settings.smtp_timeout_seconds,
        )

    @asynccontextmanager
    async def connect(self) -> AsyncGenerator["SmtpConnection"]:
        """Open a connection, which uses TLS if the server offers it.

        Raises:
            NotAccepted: there is none.
        """
        smtp = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.uses_tls,
            username=self.username,
            password=self.password,
            timeout=self.timeout_seconds,
        )
        try:
            await smtp.connect()
        except TEMPORARY_ERRORS as error:
            smtp.close()
            raise NotAccepted(_reason(error)) from error
        try:
            yield SmtpConnection(smtp)
        finally:
            await _quit(smtp)


@dataclass(frozen=True, slots=True)
class SmtpConnection:
    """An open connection to the mail server."""

    smtp: aiosmtplib.SMTP

    @property
    def is_usable(self) -> bool:
        return self.smtp.is_connected

    async def send(self, message: EmailMessage) -> None:
        """Send a message.

        Raises:
            Refused: the server refused it for good.
            NotAccepted: it did not accept it now, or its response did not arrive.
        """
        try:
            await self.smtp.send_message(message)
        except aiosmtplib.SMTPNotSupported as error:  # an address that needs SMTPUTF8
            raise Refused("not supported") from error
        except TEMPORARY_ERRORS as error:
            reason = _reason(error)
            if reason.isdigit() and int(reason) >= PERMANENT:
                raise Refused(reason) from error
            if not isinstance(error, aiosmtplib.SMTPResponseException):
                self.smtp.close()  # a late response would be taken for that of the next letter
            raise NotAccepted(reason) from error


def _reason(error: BaseException) -> str:
    """Return the SMTP status, or the kind of error. Its text may contain an address."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and error.recipients:
        error = error.recipients[0]
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return str(error.code)
    return type(error).__name__


async def _quit(smtp: aiosmtplib.SMTP) -> None:
    """End the connection, whether or not the server still responds."""
    try:
        if smtp.is_connected:
            await asyncio.wait_for(smtp.quit(), 1)
    except TEMPORARY_ERRORS:
        pass
    finally:
        smtp.close()
