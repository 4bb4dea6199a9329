"""Where things are, in the tree and in the folder of data beside it."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
BIN = ROOT / ".venv" / "bin"
TOOLS = ROOT / ".local" / "tools"


@dataclass(frozen=True)
class Home:
    """The folder that one running system keeps its data, logs and state in."""

    folder: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """`.local` at the top of the tree, unless TICKETING_HOME names another folder."""
        return cls(Path(os.environ.get("TICKETING_HOME") or ROOT / ".local").resolve())

    @property
    def data(self) -> Path:
        """What the servers store, kept between runs."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """One file for each program."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """What was written for the present run: configuration and launchers."""
        return self.folder / "run"

    @property
    def lock(self) -> Path:
        """Held by the one `make start` that works in this folder."""
        return self.folder / "lock"

    @property
    def jwt_key(self) -> Path:
        """The secret that signs sessions, random for each installation."""
        return self.folder / "jwt-key"
