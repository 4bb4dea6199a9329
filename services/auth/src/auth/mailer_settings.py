"""The environment variables of the mailer."""

from email.utils import parseaddr
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from auth.settings import LetterKey, PublicUrl
from common.settings import ServiceSettings


def _check_smtp_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        is_valid = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname)
        is_valid = is_valid and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError(
            "must be smtp://host:port or smtps://host:port, with user:password@ if any"
        )
    return url


def _check_mail_from(text: str) -> str:
    local, _, domain = parseaddr(text)[1].rpartition("@")
    if not local or not domain or not text.isprintable():
        raise ValueError("must be an address, such as Ticketing <tickets@example.com>")
    return text


class MailerSettings(ServiceSettings):
    """Settings of the mailer."""

    letter_key: LetterKey
    smtp_url: Annotated[SecretStr, AfterValidator(_check_smtp_url)] | None = None
    """The mail server. Without it, letters are written and shown as notices, but not sent."""
    mail_from: Annotated[str, AfterValidator(_check_mail_from)] = (
        "Ticketing <tickets@ticketing.dev>"
    )
    public_url: PublicUrl = "https://ticketing.dev"
    """The address of the web client, for the links in letters."""
    letter_preview: bool = False
    """Whether to show all letters with invented facts at `/mail/preview/`."""
    smtp_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 20
    """How long each step of sending may take. All of them together take less than the lease."""
    mailer_interval_seconds: Annotated[float, Field(gt=0, le=60)] = 0.5
    """How often the mailer looks for letters to send."""
