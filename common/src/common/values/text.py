"""User input: single lines that show something, and only that."""

import re
import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

MAX_MARKS: Final = 4
"""Combining marks on one letter. Living languages need fewer; many cover the lines around them."""
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""The categories of control characters, lone surrogates and line separators."""
_REORDERING_OR_TAG: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
"""Characters that change the order of others, or carry hidden text."""
_INVISIBLE: Final = frozenset({"Cf", "Zs", "Mn", "Mc", "Me"})
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers, and a Braille pattern without dots."""


def _check_line(text: str) -> str:
    """Reject text that is not one readable line.

    Raises:
        ValueError: with a message for the user.
    """
    if text.isascii() and text.isprintable():
        return text
    categories = [unicodedata.category(character) for character in text]
    if not _CONTROLS.isdisjoint(categories) or _REORDERING_OR_TAG.search(text):
        raise ValueError("must not contain control characters")
    if all(
        category in _INVISIBLE or character in _BLANK_LETTERS
        for character, category in zip(text, categories, strict=True)
    ):
        raise ValueError("must contain a visible character")
    kinds = "".join(category[0] for category in categories)
    if "M" * (MAX_MARKS + 1) in kinds:
        raise ValueError(f"must have at most {MAX_MARKS} marks on a letter")
    return text


SingleLine = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_check_line)]
