"""Paths in the source tree and in the data folder."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
BIN = ROOT / ".venv" / "bin"
TOOLS = ROOT / ".local" / "tools"


class Home:
    """The data folder of one stack. `run` holds the launchers and settings of the current run."""

    def __init__(self, folder: Path, data: Path | None = None) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.replaced_data = folder / "data-before-restore"
        self.logs = folder / "logs"
        self.run = folder / "run"
        self.lock = folder / "lock"
        self.jwt_key = folder / "jwt-key"
        self.secrets = folder / "secrets"

    @classmethod
    def from_environment(cls) -> "Home":
        """Return the folder that TICKETING_HOME names, by default `.local` in the source tree."""
        return cls(Path(os.environ.get("TICKETING_HOME") or ROOT / ".local").resolve())

    def create_folders(self) -> None:
        """Create the folders, readable by their owner only."""
        for folder in (self.data, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
