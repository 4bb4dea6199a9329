"""Faults on demand: what a network, or Stripe on a bad day, does to calls and to webhooks.

A call is matched as `POST /v1/refunds`, a webhook as `WEBHOOK payment_intent.succeeded`;
patterns are shell-style.
"""

import random
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from stripe_local.documents import Document

ON_CALLS = frozenset({"drop_before", "drop_after", "status", "delay", "hold"})
ON_WEBHOOKS = frozenset({"duplicate", "delay", "reorder"})


class InvalidFault(ValueError):
    """A fault that could not be understood; it would otherwise silently do nothing."""


@dataclass
class Fault:
    """One fault, and how many times it is still to happen (None: until cleared)."""

    match: str
    action: str
    times: int | None = 1
    delay_ms: int = 0
    chance: float = 1.0
    status: int = 500
    error: Document | None = None
    stored: bool = False  # with `status`: the answer is remembered under the idempotency key

    @property
    def seconds(self) -> float:
        """How long the fault holds things up."""
        return self.delay_ms / 1000


def _parse(description: Any) -> Fault:
    """The fault that a JSON body describes."""
    if not isinstance(description, dict):
        raise InvalidFault("a fault is an object")
    names = {each.name for each in fields(Fault)}
    unknown = sorted(str(name) for name in description if name not in names)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if unknown:
        raise InvalidFault(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(names))}")
    try:
        fault = Fault(**description)  # pyright: ignore[reportUnknownArgumentType]  # JSON
    except TypeError as error:
        raise InvalidFault(str(error)) from None
    allowed = ON_WEBHOOKS if fault.match.startswith("WEBHOOK ") else ON_CALLS
    if fault.action not in allowed:
        raise InvalidFault(f"{fault.match!r} can have: {', '.join(sorted(allowed))}")
    return fault


class Faults:
    """The faults that are waiting for what they match."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def add(self, description: Any) -> None:
        """Arm a fault."""
        self._armed.append(_parse(description))

    def clear(self) -> None:
        """Disarm all of them."""
        self._armed.clear()

    def to_documents(self) -> list[Document]:
        """Those that are still to happen."""
        return [asdict(fault) for fault in self._armed]

    def consume(self, event: str) -> Fault | None:
        """The first fault that matches what is happening now, counted as used."""
        for fault in self._armed:
            if not fnmatchcase(event, fault.match) or random.random() >= fault.chance:  # noqa: S311  # chaos, not a secret
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._armed.remove(fault)
            return fault
        return None
