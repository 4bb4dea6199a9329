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
    second_port: tuple[str, int] | None = None
    """Another port on which it listens, with its name in `ports.PORTS`."""
    set_up: Callable[[], bool] = lambda: True
    """Prepares the started program, for example by creating its users. It returns whether it has
    finished, and is repeated until then."""

    @property
    def listeners(self) -> list[tuple[str, int]]:
        """The program's ports, each with the name of its variable in `ports.PORTS`."""
        first = [] if self.port is None else [(self.name, self.port)]
        return [*first, *([self.second_port] if self.second_port else [])]

    @property
    def argv(self) -> list[str]:
        """The command, as strings."""
        return [str(part) for part in self.command]

    def become_ready(self) -> bool:
        """Run the set-up, and return whether the program is ready."""
        return self.set_up() and self.is_ready()
