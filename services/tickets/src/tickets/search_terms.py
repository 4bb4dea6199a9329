"""The terms by which a title is found: its words, in the letters that a search would be typed in.

Letters are compared without case, accents and style, and those of other alphabets in their Latin
transliteration by anyascii: "lodz" finds "Łódź", "moskva" finds "Москва". Scripts without spaces
between words have each character and each pair of neighbours as terms, so that a word is found in
the middle of a sentence. Signs are terms where they stand alone, because "!!!" is a band.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

from anyascii import anyascii

_IGNORED: Final = frozenset({"Cc", "Cf", "Cs", "Me"})
"""The categories of controls, joiners, surrogates and enclosing marks."""
_UNSPACED: Final = (
    r"\u0e00-\u0eff"  # Thai and Lao
    r"\u1000-\u109f\u1780-\u17ff"  # Burmese and Khmer
    r"\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Japanese
    r"\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"  # Chinese characters and Korean
)
_UNSPACED_CHARACTER: Final = re.compile(rf"[{_UNSPACED}]")
_CACHED_CHARACTERS: Final = 4_096
_WORD: Final = re.compile(rf"(?:(?=\w)[{_UNSPACED}])+|[^\W_{_UNSPACED}]+")


def search_terms(text: str) -> list[str]:
    """Return the different terms of a text, in the order in which they occur."""
    chunks = _fold(text).split()
    return list(dict.fromkeys(term for chunk in chunks for term in _terms(chunk)))


def fold_name(text: str) -> str:
    """Return a name in the letters of its terms, so that two spellings of it are equal."""
    words = (_WORD.findall(chunk) or [chunk] for chunk in _fold(text).split())
    return " ".join(word for chunk in words for word in chunk)


def is_sign(term: str) -> bool:
    """Return whether a term has no letter or digit."""
    return not any(character.isalnum() for character in term)


def _terms(chunk: str) -> Iterator[str]:
    if chunk.isascii() and chunk.isalnum():
        yield chunk
        return
    words: list[str] = _WORD.findall(chunk)
    for word in words:
        if _UNSPACED_CHARACTER.match(word):
            yield from word
            yield from map("".join, pairwise(word))
        else:
            yield word
    pictures = [c for c in chunk if not c.isalnum() and unicodedata.category(c) == "So"]
    yield from pictures
    if not words and not pictures:
        yield chunk


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Some characters get a letter case only when they are decomposed, and the other way round.
    decomposed = unicodedata.normalize("NFKD", text)
    folded = unicodedata.normalize("NFKD", decomposed.casefold())
    bare = "".join(c for c in folded if not _is_ignored(c))
    return "".join(map(_transliterate, unicodedata.normalize("NFC", bare)))


@lru_cache(_CACHED_CHARACTERS)
def _is_ignored(character: str) -> bool:
    return unicodedata.combining(character) != 0 or (
        unicodedata.category(character) in _IGNORED and not character.isspace()
    )


@lru_cache(_CACHED_CHARACTERS)
def _transliterate(character: str) -> str:
    """Return a letter, mark or digit in Latin letters, and any other character unchanged."""
    if character.isascii():
        return character
    category = unicodedata.category(character)
    is_mark = category[0] == "M"
    if _UNSPACED_CHARACTER.match(character):
        return "" if is_mark else character
    is_styled_letter = category == "So" and "LATIN" in unicodedata.name(character, "")
    if not (is_mark or category[0] in "LN" or is_styled_letter):
        return character
    transliterated = anyascii(character)
    latin = "".join(filter(str.isalnum, transliterated)).lower()
    return latin if latin or transliterated or is_mark else character
