"""Tests of the texts of letters: every kind has them in every language."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from auth.domain.letter import LINK_KINDS, LetterKind, write_letter
from auth.letter_links import LetterLinks
from auth.preview import preview_letter
from auth.rendering import LANGUAGES, MAX_SUBJECT_LENGTH, LetterRenderer, RenderedLetter

LINKS = LetterLinks(SecretStr("c3" * 32), "https://tickets.example/")
FACTS = {"order_id": "6" * 24, "ticket_id": "7" * 24, "title": "Row & <3>", "amount": 123450}
SHOW = {
    "show": "Hamlet",
    "starts_at": "2030-06-15T20:00",
    "venue": "Schaubühne, Berlin",
    "row": "4",
    "seat": "12",
}


def render(kind: LetterKind, language: str | None = "en", **facts: Any) -> RenderedLetter:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    letter = write_letter("fact", kind, "user", now=now, facts={**FACTS, **facts}).after
    return LetterRenderer(LINKS).render(letter, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_kind_has_a_text_and_a_link_in_each_language(kind: LetterKind, language: str) -> None:
    rendered = preview_letter(kind, language, "https://tickets.example/")

    assert rendered.subject
    assert "https://tickets.example/" in rendered.text
    assert f'lang="{language}"' in rendered.html
    assert ("token=" in rendered.text) == (kind in LINK_KINDS)
    assert "{{" not in rendered.text + rendered.html
    assert "<Berlin>" not in rendered.html


def test_kinds_have_the_same_texts_in_each_language() -> None:
    """A kind that lacks a language would fail when it is sent."""
    for kind in LetterKind:
        english, german = (preview_letter(kind, one, "https://x.example") for one in LANGUAGES)
        assert english.subject != german.subject, kind
        assert english.text.count("\n") == german.text.count("\n"), kind


def test_receipt_names_the_order_and_its_ticket() -> None:
    english, german = (render(LetterKind.RECEIPT, one, **SHOW) for one in LANGUAGES)

    for line in (
        "Show: Hamlet",
        "When: Saturday, 15 June 2030, 20:00",
        "Where: Schaubühne, Berlin",
        "Row: 4",
        "Seat: 12",
        "Price: $1,234.50",
        f"Order: {FACTS['order_id']}",
    ):
        assert line in english.text.splitlines()
    assert "Wann: Samstag, 15. Juni 2030, 20:00 Uhr" in german.text
    assert "Preis: 1.234,50\N{NO-BREAK SPACE}$" in german.text
    assert "Row & &lt;3&gt;" not in english.text
    assert "Row &amp; &lt;3&gt;" in english.html


def test_receipt_of_a_ticket_without_a_show_names_none() -> None:
    text = render(LetterKind.RECEIPT).text

    assert "Show" not in text
    assert "Price: $1,234.50" in text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("buyer", "You have cancelled your order"),
        ("show cancelled", "because the show was cancelled"),
        ("payment failed", "because no payment succeeded"),
        ("a later one", "was cancelled. The ticket"),
    ],
)
def test_cancelled_order_says_why(reason: str, words: str) -> None:
    assert words in render(LetterKind.ORDER_CANCELLED, reason=reason).text


def test_letter_that_was_written_before_facts_were_added_is_rendered() -> None:
    assert "was cancelled." in render(LetterKind.ORDER_CANCELLED).text


def test_long_title_is_shortened_in_the_subject_only() -> None:
    title = "A very long title " * 20
    rendered = render(LetterKind.RECEIPT, title=title)

    assert len(rendered.subject) == MAX_SUBJECT_LENGTH
    assert rendered.subject.endswith("…")
    assert title.strip() in rendered.text


def test_texts_differ_between_the_languages() -> None:
    subjects = [render(LetterKind.REFUND, one).subject for one in ("en", "de", None, "fr")]

    english, german = (
        "Your refund of $1,234.50",
        "Deine Rückzahlung von 1.234,50\N{NO-BREAK SPACE}$",
    )
    assert subjects == [english, german, english, english]
