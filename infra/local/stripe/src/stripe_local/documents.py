"""Ids, times, JSON and the private part of stored objects."""

import secrets
import string
from typing import Any

import orjson

from stripe_local import clock

Document = dict[str, Any]

# The part of an object that no response shows, such as the number of a card.
PRIVATE = "_local"

# Maps each random byte to a character of an id.
_ID_ALPHABET = bytes(
    (string.ascii_letters + string.digits).encode()[byte % 62] for byte in range(256)
)


def new_id(prefix: str, length: int = 24) -> str:
    """Return a new id in Stripe's form: a prefix for the type, then letters and digits."""
    return prefix + secrets.token_bytes(length).translate(_ID_ALPHABET).decode()


def to_json(document: Document) -> str:
    """Render an object as JSON."""
    return orjson.dumps(document).decode()


def from_json(text: str) -> Document:
    """Parse an object."""
    return orjson.loads(text)


def now() -> int:
    """Return the current time in whole seconds since the epoch, as Stripe does."""
    return int(clock.timestamp())


def nulls(*names: str) -> Document:
    """Return these fields with null values."""
    return dict.fromkeys(names)


def public(document: Document) -> Document:
    """Return an object without its private part."""
    return {name: value for name, value in document.items() if name != PRIVATE}
