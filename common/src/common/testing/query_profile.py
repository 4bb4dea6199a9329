"""What MongoDB examines for the operations of a test."""

from typing import Any, Self

from pymongo.asynchronous.database import AsyncDatabase


class QueryProfile:
    """Profiles the operations on some collections while the block runs.

    The counts are those of `explain("executionStats")`, of the operations that were really sent.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]], *collections: str) -> None:
        self._database = database
        self._namespaces = [f"{database.name}.{name}" for name in collections]
        self.operations: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        await self._database.command("profile", 2)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.command("profile", 0)
        profile = self._database["system.profile"]
        self.operations = await profile.find({"ns": {"$in": self._namespaces}}).to_list()
        await profile.drop()

    @property
    def examined(self) -> int:
        """The number of index keys and documents examined."""
        return sum(op.get("keysExamined", 0) + op.get("docsExamined", 0) for op in self.operations)

    @property
    def plans(self) -> list[str]:
        """The summaries of the plans."""
        return [op.get("planSummary", "") for op in self.operations]
