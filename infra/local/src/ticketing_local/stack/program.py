"""What is known about a program before it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One process of the system: its command, and how to see that it is ready."""

    name: str
    command: tuple[str | Path, ...]
    port: int | None
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_seconds: int = 10

    @property
    def argv(self) -> list[str]:
        """The command as the system takes it."""
        return [str(part) for part in self.command]
