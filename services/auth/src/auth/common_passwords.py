"""The passwords that everyone tries first: the 10,000 most used ones, and words of the account.

`common_passwords.txt` is the beginning of the list `passwords` of zxcvbn 4.5.0
(https://github.com/dwolfhub/zxcvbn-python, MIT License, Copyright (c) 2016 Daniel Wolf), the most
frequent first. The web client has a copy (`client/src/lib/password/common-passwords.gen.ts`).
"""

import re
from functools import cache
from importlib import resources
from typing import Final

from common.errors import BadRequest

WARNING: Final = "This is one of the most used passwords. Please choose another one"
OWN_WORDS: Final = "Choose a password without your email address and the name of this site"
PRODUCT_WORDS: Final = ("ticketing", "tickets", "ticket")
MIN_REST: Final = 6
"""The characters that a password must have besides the words of the product and the address."""
_ADDRESS_WORD: Final = re.compile(r"\w{4,}")


@cache
def _common_passwords() -> frozenset[str]:
    file = resources.files("auth").joinpath("common_passwords.txt")
    return frozenset(file.read_text(encoding="utf-8").split())


def is_common_password(password: str) -> bool:
    """Return whether a password, in any letter case, is one of the most used ones."""
    return password.lower() in _common_passwords()


def password_warning(password: str, email: str) -> str | None:
    """Return why the password of an account is easy to guess, or None."""
    if is_common_password(password):
        return WARNING
    rest, email = password.lower(), email.lower()
    words = {email, *PRODUCT_WORDS, *_ADDRESS_WORD.findall(email)}
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return OWN_WORDS if len(rest) < MIN_REST else None


def require_good_password(password: str, email: str) -> None:
    """Check that a new password is not easy to guess.

    Raises:
        BadRequest: it is.
    """
    if warning := password_warning(password, email):
        raise BadRequest(warning, field="password")
