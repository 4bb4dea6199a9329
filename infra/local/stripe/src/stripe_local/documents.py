"""What every stored object has in common: its id, its time, and a part that never leaves."""

import secrets
import string
import time
from typing import Any

Document = dict[str, Any]

# What this server must remember of an object and Stripe would not show, such as a card's number.
PRIVATE = "_local"

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """An identifier in Stripe's form: a prefix that names the type, then letters and digits."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def now() -> int:
    """The present time as Stripe counts it, in whole seconds since the epoch."""
    return int(time.time())


def public(document: Document) -> Document:
    """The object as a caller may see it."""
    return {name: value for name, value in document.items() if name != PRIVATE}
