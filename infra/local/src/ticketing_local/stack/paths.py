"""Paths in the source tree and in the data folder."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
BIN = ROOT / ".venv" / "bin"
TOOLS = ROOT / ".local" / "tools"


@dataclass(frozen=True)
class Home:
    """The data folder of one stack. `run` holds the launchers and settings of the current run."""

    folder: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """Return the folder that TICKETING_HOME names, by default `.local` in the source tree."""
        return cls(Path(os.environ.get("TICKETING_HOME") or ROOT / ".local").resolve())

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def jwt_key(self) -> Path:
        return self.folder / "jwt-key"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def create_folders(self) -> None:
        """Create the folders, readable by their owner only."""
        for folder in (self.data, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
