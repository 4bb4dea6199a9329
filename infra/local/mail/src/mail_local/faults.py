"""Injected faults of SMTP commands: rejections, silence, lost responses and repeated letters."""

import asyncio
import contextlib
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Final

ACTIONS: Final = {
    "reject_recipient",  # RCPT TO is answered with `code`
    "reject_letter",  # the letter is answered with `code` and not stored
    "hang",  # the letter is stored, and its response comes after `delay_seconds`
    "hang_unstored",  # the same, but the letter is not stored
    "drop",  # the letter is stored, and the connection closed without a response
    "store_twice",  # the letter is stored twice and accepted
}
MAX_DELAY_SECONDS: Final = 600.0
TEMPORARY: Final = 400
PERMANENT_END: Final = 600


class InvalidFault(ValueError):
    """A fault that cannot be parsed."""


@dataclass
class Fault:
    """A fault of the letters to matching addresses, and how often it still happens.

    `times` None means until it is cleared.
    """

    action: str
    match: str = "*"
    times: int | None = 1
    code: int = 450
    delay_seconds: float = MAX_DELAY_SECONDS


def _parse(description: Any) -> Fault:
    if not isinstance(description, dict):
        raise InvalidFault("a fault is an object")
    known = {each.name for each in fields(Fault)}
    unknown = sorted(str(name) for name in description if name not in known)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if unknown:
        raise InvalidFault(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    try:
        fault = Fault(**description)  # pyright: ignore[reportUnknownArgumentType]  # JSON
    except TypeError as error:
        raise InvalidFault(str(error)) from None
    if fault.action not in ACTIONS:
        raise InvalidFault(f"action must be one of: {', '.join(sorted(ACTIONS))}")
    if not TEMPORARY <= fault.code < PERMANENT_END:
        raise InvalidFault("code must be from 400 to 599")
    return fault


class Faults:
    """The faults that are armed."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._cleared = asyncio.Event()

    def add(self, description: Any) -> None:
        """Arm a fault."""
        self._armed.append(_parse(description))

    def clear(self) -> None:
        """Disarm all faults and end their delays."""
        self._armed = []
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def delay(self, fault: Fault) -> None:
        """Wait for the delay of a fault, or until the faults are cleared."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._cleared.wait(), fault.delay_seconds)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the armed faults."""
        return [asdict(fault) for fault in self._armed]

    def consume(self, actions: set[str], recipients: list[str]) -> Fault | None:
        """Return the first fault of these kinds for one of the recipients, and count it as used."""
        for fault in self._armed:
            if fault.action not in actions:
                continue
            if not any(fnmatchcase(recipient, fault.match) for recipient in recipients):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._armed.remove(fault)
            return fault
        return None
