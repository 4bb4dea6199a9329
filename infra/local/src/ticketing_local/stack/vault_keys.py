"""The keys of the vault. Creating them says where they lie, because no backup contains them.

A backup contains a check value of each instead, by which a restore recognizes the keys it needs.
"""

import hmac
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from ticketing_local.stack.paths import Home
from ticketing_local.stack.stored_secrets import StoredSecrets

FILES: Final = {"VAULT_KEY": "vault-key", "FINGERPRINT_KEY": "fingerprint-key"}
PURPOSES: Final = {**{name: name for name in FILES}, "VAULT_KEY_PREVIOUS": "VAULT_KEY"}
"""What each variable's key is for: the previous key opens files, as the present one does."""
CHECKS: Final = "vault-keys.json"
"""The file of a backup with the check values."""


def stored_keys(secrets: StoredSecrets, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the stored value of each key that the caller does not set, created if missing."""
    names = [name for name in FILES if not environ.get(name)]
    created = [secrets.folder / FILES[name] for name in names if not secrets.has(FILES[name])]
    keys = {name: secrets.read(FILES[name]) for name in names}
    if created:
        click.echo(
            f"Created the keys of the vault: {', '.join(map(str, created))}. Copy them to a safe "
            "place: no backup contains them, and without them no ticket file can be opened."
        )
    return keys


def existing_keys(secrets: StoredSecrets, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that the caller sets or that are stored. Create none."""
    stored = {name: secrets.read(file) for name, file in FILES.items() if secrets.has(file)}
    return stored | {name: environ[name] for name in PURPOSES if environ.get(name)}


def keys_of_run(home: Home) -> dict[str, str]:
    """Return the keys that the running stack uses, from the launcher of tickets."""
    words = shlex.split((home.run / "programs" / "tickets").read_text())
    variables = dict(word.split("=", 1) for word in words if "=" in word)
    return {name: variables[name] for name in PURPOSES if name in variables}


def write_checks(folder: Path, keys: Mapping[str, str]) -> None:
    """Write the check values of these keys into a backup."""
    checks: dict[str, list[str]] = {}
    for name, key in keys.items():
        checks.setdefault(PURPOSES[name], []).append(key_check(PURPOSES[name], key))
    (folder / CHECKS).write_text(json.dumps(checks, indent=2) + "\n")


def find_missing(folder: Path, keys: Mapping[str, str]) -> list[str]:
    """Return the purpose of each key that a backup needs and that is not among these."""
    if not (folder / CHECKS).exists():  # of a release without a vault
        return []
    present = {key_check(PURPOSES[name], key) for name, key in keys.items()}
    needed: dict[str, list[str]] = json.loads((folder / CHECKS).read_text())
    return [name for name, checks in needed.items() if not present.issuperset(checks)]


def key_check(purpose: str, key: str) -> str:
    """Return a value by which a key can be recognized. It does not help to find the key.

    It is computed under a derived key, so it is never a fingerprint or other output of the key.
    """
    derived = hmac.digest(bytes.fromhex(key), b"key check", "sha256")
    return hmac.new(derived, purpose.encode(), "sha256").hexdigest()
