"""Renders letters: a subject, a text and HTML, in the language of the user."""

import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from auth.domain.letter import Letter, LetterKind
from auth.letter_links import LetterLinks

LANGUAGES: Final = ("en", "de")
NOTICES_PATH: Final = "/account/notices"
EARNINGS_PATH: Final = "/account/earnings"
MAX_SUBJECT_LENGTH: Final = 150
UNPRINTABLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Control and format characters, which could forge a header or the direction of a text."""
PAGES: Final[dict[LetterKind, Callable[[Mapping[str, Any]], str]]] = {
    LetterKind.PASSWORD_CHANGED: lambda _: "/account",
    LetterKind.EMAIL_REQUESTED: lambda _: "/account",
    LetterKind.EMAIL_CHANGED: lambda _: "/account",
    LetterKind.EMAIL_CHANGED_FORMER: lambda _: "/contact",
    LetterKind.NEW_SIGN_IN: lambda _: "/account",
    LetterKind.RECEIPT: lambda facts: f"/orders/{facts['order_id']}",
    LetterKind.ORDER_EXPIRED: lambda facts: f"/tickets/{facts['ticket_id']}",
    LetterKind.ORDER_CANCELLED: lambda facts: f"/orders/{facts['order_id']}",
    LetterKind.TICKET_SOLD: lambda facts: f"/tickets/{facts['ticket_id']}",
    LetterKind.LISTING_WITHDRAWN: lambda facts: f"/tickets/{facts['ticket_id']}",
    LetterKind.PASSKEY_ADDED: lambda _: "/account/passkeys",
    LetterKind.PASSKEY_REMOVED: lambda _: "/account/passkeys",
    LetterKind.REFUND: lambda facts: f"/orders/{facts['order_id']}",
    LetterKind.REFUND_OFFERED: lambda facts: f"/orders/{facts['order_id']}",
    LetterKind.PAYOUT_SENT: lambda _: EARNINGS_PATH,
    LetterKind.PAYOUT_HELD: lambda _: EARNINGS_PATH,
    LetterKind.DISPUTE_OPENED: lambda _: EARNINGS_PATH,
    LetterKind.DISPUTE_CLOSED: lambda _: EARNINGS_PATH,
    LetterKind.ACCOUNT_KEPT: lambda _: "/account/leave",
    LetterKind.ACCOUNT_DELETED: lambda _: "/",
}
"""The page of the web client for each kind of letter whose link proves nothing."""


@dataclass(frozen=True, slots=True)
class RenderedLetter:
    """What a letter says."""

    subject: str
    text: str
    html: str


class LetterRenderer:
    """Renders letters from the templates of this package."""

    def __init__(self, links: LetterLinks) -> None:
        self._links = links
        loader = PackageLoader("auth")
        options: dict[str, Any] = {"undefined": StrictUndefined, "keep_trailing_newline": True}
        self._plain = Environment(loader=loader, autoescape=False, **options)  # noqa: S701 - plain text
        self._html = Environment(loader=loader, autoescape=True, **options)
        self._texts = {language: _read_texts(language) for language in LANGUAGES}

    def render(self, letter: Letter, language: str | None) -> RenderedLetter:
        """Render a letter in a language, or in English."""
        language = language if language in self._texts else LANGUAGES[0]
        texts = self._texts[language]
        texts_of_kind = texts[letter.kind]
        facts = _printable_facts(letter.facts, texts)
        has_notices = letter.kind is not LetterKind.ACCOUNT_DELETED
        subject = self._plain.from_string(texts_of_kind["subject"]).render(facts)
        values = {
            "language": language,
            "subject": subject,
            "common": texts["common"],
            "paragraphs": [
                self._plain.from_string(text).render(facts) for text in texts_of_kind["paragraphs"]
            ],
            "details": [
                (texts["labels"][name], facts[name])
                for name in texts_of_kind.get("details", ())
                if name in facts
            ],
            "action": texts_of_kind["action"],
            "url": self._url(letter),
            "valid": texts_of_kind.get("valid", texts["common"]["valid"]),
            "has_link": letter.has_link,
            "notices_url": self._links.page(NOTICES_PATH) if has_notices else None,
        }
        return RenderedLetter(
            subject=_shorten(subject),
            text=self._plain.get_template("letter.txt.jinja").render(values),
            html=self._html.get_template("letter.html.jinja").render(values),
        )

    def _url(self, letter: Letter) -> str:
        if letter.has_link:
            return self._links.url(letter.id, letter.kind)
        return self._links.page(PAGES[letter.kind](letter.facts))


def _read_texts(language: str) -> dict[str, Any]:
    file = resources.files("auth").joinpath("templates", f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _printable_facts(facts: Mapping[str, str | int], texts: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts as texts of one line. A number is an amount, and `..._at` a time."""
    formats = texts["formats"]
    return {
        name: _format_amount(fact, formats)
        if isinstance(fact, int)
        else _format_time(fact, formats)
        if name.endswith("_at")
        else _printable(fact)
        for name, fact in facts.items()
    }


def _printable(text: str) -> str:
    """Return a text on one line, without characters that are not displayed."""
    kept = (" " if unicodedata.category(c) in UNPRINTABLE_CATEGORIES else c for c in text)
    return " ".join("".join(kept).split())


def _shorten(subject: str) -> str:
    if len(subject) <= MAX_SUBJECT_LENGTH:
        return subject
    return f"{subject[: MAX_SUBJECT_LENGTH - 1].rstrip()}…"


def _format_amount(cents: int, formats: Mapping[str, Any]) -> str:
    amount = f"{cents / 100:,.2f}".translate(str.maketrans(",.", formats["separators"]))
    return formats["amount"].format(amount)


def _format_time(text: str, formats: Mapping[str, Any]) -> str:
    """Return a time with its weekday: that of the venue as it is, and others in UTC."""
    at = datetime.fromisoformat(text)
    zone = "" if at.tzinfo is None else " UTC"
    names = {"weekday": formats["weekdays"][at.weekday()], "month": formats["months"][at.month - 1]}
    return formats["time"].format(at=at, **names) + zone
