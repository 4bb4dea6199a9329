"""User input: single lines without control characters, and search terms."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _printable(text: str) -> str:
    """Reject control characters and lone surrogates."""
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text):
        raise ValueError("must not contain control characters")
    return text


SingleLine = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]


def search_terms(text: str) -> list[str]:
    """Split text into its different words, without letter case and accents.

    Some characters get a letter case only when they are decomposed, and the other way round.
    """
    decomposed = unicodedata.normalize("NFKD", text)
    folded = unicodedata.normalize("NFKD", decomposed.casefold())
    bare = "".join(c if c.isalnum() else " " for c in folded if not unicodedata.combining(c))
    return list(dict.fromkeys(bare.split()))
