"""Injected faults of calls and webhooks.

A call is matched as `POST /v1/refunds` and a webhook as `WEBHOOK payment_intent.succeeded`, with
shell-style patterns.
"""

import asyncio
import contextlib
import random
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from stripe_local.documents import Document

ON_CALLS = frozenset({"drop_before", "drop_after", "status", "delay", "hold"})
ON_WEBHOOKS = frozenset({"duplicate", "delay", "reorder"})


class InvalidFault(ValueError):
    """A fault that cannot be parsed."""


@dataclass
class Fault:
    """A fault, and how many times it still happens (None: until cleared)."""

    match: str
    action: str
    times: int | None = 1
    delay_ms: int = 0
    chance: float = 1.0
    status: int = 500
    error: Document | None = None
    stored: bool = False  # with `status`: the response is stored under the idempotency key

    @property
    def seconds(self) -> float:
        """The delay in seconds."""
        return self.delay_ms / 1000


def _parse(description: Any) -> Fault:
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
    """The faults that are armed."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._cleared: dict[str, asyncio.Event] = {}

    def add(self, description: Any) -> None:
        """Arm a fault."""
        self._armed.append(_parse(description))

    def clear(self, match: str | None = None) -> None:
        """Disarm the faults, or those with this match, and end their delays."""
        self._armed = [fault for fault in self._armed if match not in {None, fault.match}]
        for delayed in [each for each in self._cleared if match in {None, each}]:
            self._cleared.pop(delayed).set()

    async def delay(self, fault: Fault) -> None:
        """Wait for the delay of a fault, or until it is cleared."""
        cleared = self._cleared.setdefault(fault.match, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(cleared.wait(), fault.seconds)

    def to_documents(self) -> list[Document]:
        """Return the armed faults as JSON objects."""
        return [asdict(fault) for fault in self._armed]

    def consume(self, event: str) -> Fault | None:
        """Return the first fault that matches an event, and count it as used."""
        for fault in self._armed:
            if not fnmatchcase(event, fault.match) or random.random() >= fault.chance:  # noqa: S311  # chaos, not a secret
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._armed.remove(fault)
            return fault
        return None
