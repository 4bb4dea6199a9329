"""Tests of the texts of letters: every kind has them in every language."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from auth.domain.letter import LINK_KINDS, LetterKind, write_letter
from auth.letter_links import LetterLinks
from auth.rendering import LANGUAGES, LetterRenderer

LINKS = LetterLinks(SecretStr("c3" * 32), "https://tickets.example/")
FACTS = {
    "order_id": "6" * 24,
    "ticket_id": "7" * 24,
    "title": "Row & <3>",
    "amount": 123450,
    "reason": "payment",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_kind_has_a_text_and_a_link_in_each_language(kind: LetterKind, language: str) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    letter = write_letter("fact", kind, "user", now=now, facts=FACTS).after

    rendered = LetterRenderer(LINKS).render(letter, language)

    assert rendered.subject
    assert "https://tickets.example/" in rendered.text
    assert f'lang="{language}"' in rendered.html
    assert ("token=" in rendered.text) == (kind in LINK_KINDS)
    assert "{{" not in rendered.text + rendered.html
    assert "<3>" not in rendered.html


def test_texts_differ_between_the_languages() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    letter = write_letter("fact", LetterKind.REFUND, "user", now=now, facts=FACTS).after
    renderer = LetterRenderer(LINKS)

    subjects = [renderer.render(letter, language).subject for language in ("en", "de", None, "fr")]

    english, german = (
        "Your refund of $1,234.50",
        "Deine Rückzahlung von 1.234,50\N{NO-BREAK SPACE}$",
    )
    assert subjects == [english, german, english, english]
