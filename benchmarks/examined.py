"""What MongoDB examines in all databases while something happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.testbed import APP_NAME, Testbed
from ticketing_local.stack.ports import SERVICES


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

    def without(self, *names: str) -> Self:
        """Return the statements but for those whose names begin so."""
        return type(self)([each for each in self.statements if not each.name.startswith(names)])

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


def examine(testbed: Testbed, work: Callable[[], object]) -> Examined:
    """Do some work, and return the statements of all services meanwhile."""
    testbed.start_profiling(SERVICES)
    try:
        work()
    finally:
        operations = testbed.stop_profiling(SERVICES)
    return Examined(
        [
            _statement(operation)
            for operation in operations
            if operation["op"] != "insert"
            and operation.get("appName") != APP_NAME
            and not operation["ns"].endswith("system.profile")
        ]
    )


def _statement(operation: dict[str, Any]) -> Statement:
    is_command = operation["op"] in {"query", "command", "getmore"}
    kind = next(iter(operation["command"])) if is_command else operation["op"]
    name = f"{operation['ns']} {kind} {operation.get('planSummary', '')}".strip()
    return Statement(name, operation.get("keysExamined", 0) + operation.get("docsExamined", 0))
