"""The secrets of a stack on this machine: random, one file each, created when first read."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StoredSecrets:
    """A folder of secrets that only its owner can read."""

    folder: Path

    def file(self, name: str) -> Path:
        """Return the file of a secret, for a program that reads it from there."""
        self.read(name)
        return self.folder / name

    def has(self, name: str) -> bool:
        """Return whether a secret is stored."""
        file = self.folder / name
        return file.exists() and file.stat().st_size > 0

    def read(self, name: str) -> str:
        """Return a secret, created at random by the first call."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return read_or_create(self.folder / name)


def read_or_create(file: Path) -> str:
    """Return the secret in a file. If the file is missing or empty, write a random one."""
    if not file.exists() or not file.read_text():
        file.unlink(missing_ok=True)  # an empty one may be read-only
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "w") as secret:
            secret.write(secrets.token_hex(32))
    return file.read_text()
