"""What every stored object has in common: its id, its time, and a part that never leaves."""

import secrets
import string
import time
from typing import Any

import orjson

Document = dict[str, Any]

# What this server must remember of an object and Stripe would not show, such as a card's number.
PRIVATE = "_local"

# What each random byte becomes in an identifier.
_ID_ALPHABET = bytes(
    (string.ascii_letters + string.digits).encode()[byte % 62] for byte in range(256)
)


def new_id(prefix: str, length: int = 24) -> str:
    """An identifier in Stripe's form: a prefix that names the type, then letters and digits."""
    return prefix + secrets.token_bytes(length).translate(_ID_ALPHABET).decode()


def to_json(document: Document) -> str:
    """The object as JSON."""
    return orjson.dumps(document).decode()


def from_json(text: str) -> Document:
    """The object that was written as JSON."""
    return orjson.loads(text)


def now() -> int:
    """The present time as Stripe counts it, in whole seconds since the epoch."""
    return int(time.time())


def public(document: Document) -> Document:
    """The object as a caller may see it."""
    return {name: value for name, value in document.items() if name != PRIVATE}
