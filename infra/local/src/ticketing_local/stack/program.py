"""The description of a program, before it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A program of the stack: its command and its readiness check."""

    name: str
    command: tuple[str | Path, ...]
    port: int | None
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_seconds: int = 10

    @property
    def argv(self) -> list[str]:
        """The command, as strings."""
        return [str(part) for part in self.command]
