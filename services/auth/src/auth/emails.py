"""Email addresses: the form in which they are compared, and which may be registered.

The addresses are those that `auth.schemas` has validated, which already converts their domains by
IDNA 2008: in lower case, decoded, and without treating characters such as ß as others.
"""

import re
import unicodedata
from typing import Final

RECOMMENDED_SCRIPTS: Final = frozenset(
    {
        *("ARABIC", "ARMENIAN", "BENGALI", "BOPOMOFO", "CJK", "CYRILLIC", "DEVANAGARI", "ETHIOPIC"),
        *("GEORGIAN", "GREEK", "GUJARATI", "GURMUKHI", "HANGUL", "HEBREW", "HIRAGANA", "KANNADA"),
        *("KATAKANA", "KHMER", "LAO", "LATIN", "MALAYALAM", "MYANMAR", "ORIYA", "SINHALA", "TAMIL"),
        *("TELUGU", "THAANA", "THAI", "TIBETAN"),
    }
)
"""The scripts in everyday use (UAX #31, table 5), by the first word of their characters' names."""
SCRIPTS_USED_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""The mixtures that UTS #39, 5.2 calls highly restrictive: of Japanese, Chinese and Korean."""
LATIN_LOOKALIKES: Final = frozenset(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501\u051b\u051d"
    "\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"
    "\u04c0\u051a\u051c\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u0391\u0392\u0395\u0396\u0397"
    "\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u0570\u0578\u057d\u0585"
)
"""Cyrillic, Greek and Armenian letters that look like Latin ones."""
_IGNORABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Letters and marks that are not displayed."""


def normalize_email(email: str) -> str:
    """Return the form that is compared, which ignores the letter case of the local part.

    Simple case folding maps each character to one character, so it keeps addresses apart that full
    case folding equates, such as those with ß and ss.
    """
    local, _, domain = email.rpartition("@")
    folded = unicodedata.normalize("NFC", "".join(map(_fold, local)))
    return f"{folded}@{domain.lower()}"


def earlier_normal_form(email: str) -> str:
    """Return the form that was compared before, under which some accounts are still stored."""
    return unicodedata.normalize("NFC", email.casefold())


def _fold(character: str) -> str:
    """Return the simple case folding of a character: Python offers only the full one."""
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


def is_confusable(email: str) -> bool:
    """Return whether an address can be mistaken for another (after UTS #39).

    It is if a part mixes scripts or has a script that is not in everyday use, if the local part
    contains compatibility characters, digits of several scripts or characters that are not
    displayed, or if a part consists of lookalikes of Latin letters beside a part in Latin letters.
    """
    local, _, domain = email.rpartition("@")
    parts = [local, *domain.split(".")]
    scripts = [_scripts(part) for part in parts]
    has_latin_part = any("LATIN" in of_part for of_part in scripts)
    return (
        not _is_plain(local)
        or not all(map(_is_consistent, scripts))
        or (has_latin_part and any(map(_looks_latin, parts)))
    )


def _scripts(part: str) -> set[str]:
    """Return the scripts of the letters and marks of a part."""
    names = (unicodedata.name(c, "?") for c in part if unicodedata.category(c)[0] in "LM")
    words = {re.split("[ -]", name)[0] for name in names}
    return {"CJK" if word == "IDEOGRAPHIC" else word for word in words} - {"COMBINING"}


def _is_consistent(scripts: set[str]) -> bool:
    return scripts <= RECOMMENDED_SCRIPTS and (
        len(scripts) <= 1 or any(scripts <= together for together in SCRIPTS_USED_TOGETHER)
    )


def _is_plain(local: str) -> bool:
    """Return whether a local part has only ASCII, letters, marks, and digits of one script."""
    zeros = {ord(c) - unicodedata.decimal(c) for c in local if unicodedata.category(c) == "Nd"}
    return (
        len(zeros) <= 1
        and unicodedata.is_normalized("NFKC", local)
        and not _IGNORABLE.search(local)
        and all(c.isascii() or unicodedata.category(c)[0] in "LM" or c.isdecimal() for c in local)
    )


def _looks_latin(part: str) -> bool:
    letters = [c for c in part if unicodedata.category(c)[0] == "L"]
    return bool(letters) and all(letter in LATIN_LOOKALIKES for letter in letters)
