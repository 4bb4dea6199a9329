"""The 10,000 most used passwords, which everyone tries first.

`common_passwords.txt` is the beginning of the list `passwords` of zxcvbn 4.5.0
(https://github.com/dwolfhub/zxcvbn-python, MIT License, Copyright (c) 2016 Daniel Wolf), the most
frequent first.
"""

from functools import cache
from importlib import resources

from common.errors import BadRequest

WARNING = "This is one of the most used passwords. Please choose another one"


@cache
def _common_passwords() -> frozenset[str]:
    file = resources.files("auth").joinpath("common_passwords.txt")
    return frozenset(file.read_text(encoding="utf-8").split())


def is_common_password(password: str) -> bool:
    """Return whether a password, in any letter case, is one of the most used ones."""
    return password.lower() in _common_passwords()


def require_uncommon_password(password: str) -> None:
    """Check that a new password is not one of the most used ones.

    Raises:
        BadRequest: it is.
    """
    if is_common_password(password):
        raise BadRequest(WARNING, field="password")
