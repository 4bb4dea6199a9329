"""What MongoDB examines in all databases while something happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymongo import MongoClient

from ticketing_local.stack.ports import SERVICES

PROFILE_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that MongoDB executed.

    Attributes:
        name: its collection, kind and plan.
        examined: how many index keys and documents.
    """

    name: str
    examined: int

    @property
    def is_scan(self) -> bool:
        """Whether it read a collection without an index."""
        return "COLLSCAN" in self.name


@dataclass(frozen=True, slots=True)
class Examined:
    """The statements during some work."""

    statements: Sequence[Statement]

    @property
    def total(self) -> int:
        """How many index keys and documents they examined."""
        return sum(statement.examined for statement in self.statements)

    @property
    def worst(self) -> Statement:
        """The statement that examined most."""
        return max(self.statements, key=lambda each: each.examined, default=Statement("", 0))

    @property
    def scans(self) -> list[str]:
        """The statements that read a collection without an index."""
        return sorted({each.name for each in self.statements if each.is_scan})


def examine(mongo: MongoClient[dict[str, Any]], work: Callable[[], object]) -> Examined:
    """Do some work, and return the statements of all services meanwhile."""
    for name in SERVICES:
        mongo[name].drop_collection("system.profile")
        mongo[name].create_collection("system.profile", capped=True, size=PROFILE_BYTES)
        mongo[name].command("profile", 2)
    try:
        work()
    finally:
        for name in SERVICES:
            mongo[name].command("profile", 0)
    statements = [
        _statement(operation)
        for name in SERVICES
        for operation in mongo[name]["system.profile"].find({"op": {"$ne": "insert"}})
    ]
    for name in SERVICES:
        mongo[name].drop_collection("system.profile")
    return Examined([each for each in statements if not each.name.endswith("system.profile")])


def _statement(operation: dict[str, Any]) -> Statement:
    is_command = operation["op"] in {"query", "command", "getmore"}
    kind = next(iter(operation["command"])) if is_command else operation["op"]
    name = f"{operation['ns']} {kind} {operation.get('planSummary', '')}".strip()
    return Statement(name, operation.get("keysExamined", 0) + operation.get("docsExamined", 0))
