"""The keys of the vault. Creating them says where they lie, because no backup contains them."""

from collections.abc import Mapping
from typing import Final

import click

from ticketing_local.stack.stored_secrets import StoredSecrets

FILES: Final = {"VAULT_KEY": "vault-key", "FINGERPRINT_KEY": "fingerprint-key"}


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
