"""The search for the codes of originals in whatever is stored or written."""

import base64
import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chaos.snapshot import Snapshot
from support.original_files import PLANTED
from support.system import System
from ticketing_local.commands.backup import write_backup
from ticketing_local.errors import CliError
from ticketing_local.stack.vault_keys import existing_keys

NEEDLES: Final = (
    PLANTED.encode(),
    base64.b64encode(PLANTED[:12].encode()),  # a multiple of three, so what follows is irrelevant
    PLANTED.encode().hex().encode(),
)
"""How a code could have been written."""


def find_planted_codes(system: System, snapshot: Snapshot) -> Iterator[str]:
    """Yield each stream, log, trace and part of a backup that has a code, or a key of the vault.

    The backup has all databases.
    """
    keys = existing_keys(system.secrets, system.environ)
    needles = (*NEEDLES, *(key.encode() for key in keys.values()))
    for stream, events in snapshot.streams.items():
        if any(needle in event.data for event in events for needle in needles):
            yield f"stream {stream} has a code of the vault"
    for log in sorted(path for path in system.logs.rglob("*") if path.is_file()):
        if _contains(log.read_bytes(), needles):
            yield f"{log.name} has a code of the vault"
    with tempfile.TemporaryDirectory(prefix="ticketing-backup-") as folder:
        backup = Path(folder) / "backup"
        try:
            write_backup(system.port, system.secrets, keys, backup)
        except CliError as error:
            yield f"no backup could be searched: {error}"
            return
        for file in sorted(path for path in backup.rglob("*") if path.is_file()):
            content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else None
            if _contains(content or file.read_bytes(), needles):
                yield f"{file.relative_to(backup)} of a backup has a code of the vault"


def _contains(content: bytes, needles: tuple[bytes, ...]) -> bool:
    return any(needle in content for needle in needles)
