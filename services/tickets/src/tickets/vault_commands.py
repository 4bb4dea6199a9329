"""The operator's commands on the vault. docs/operations.md says when to use them.

ticketing-admin tickets vault-check
ticketing-admin tickets vault-rotate
"""

from typing import Final

import click

from common.lifecycle import ServiceState
from common.operations.cli import run_operation
from tickets.settings import Settings
from tickets.store.vault_maintenance import check_entries, rewrap_keys
from tickets.vault_keys import VaultKeys


@click.command("vault-check")
def check_vault() -> None:
    """Open every entry of the vault, and list those that do not open."""

    async def check(state: ServiceState) -> int:
        result = await check_entries(state.running.database["vault"], _keys())
        counts = ", ".join(f"{count} {name}" for name, count in sorted(result.opened.items()))
        click.echo(f"Right: {counts or 'no entries'}.")
        for entry_id, problem in result.failed.items():
            click.echo(f"{entry_id}: {problem}")
        if result.failed:
            click.echo(f"{len(result.failed)} entries do not open.")
        return 1 if result.failed else 0

    run_operation("tickets", check)


@click.command("vault-rotate")
def rotate_vault_key() -> None:
    """Wrap the key of every entry by VAULT_KEY, while VAULT_KEY_PREVIOUS still unwraps."""

    async def rotate(state: ServiceState) -> int:
        result = await rewrap_keys(state.running.database["vault"], _keys())
        click.echo(
            f"{result.rewrapped} entries wrapped again; {result.current} now need VAULT_KEY."
        )
        if result.failed:
            click.echo(f"Neither key opens: {', '.join(result.failed)}. Keep VAULT_KEY_PREVIOUS.")
            return 1
        click.echo(
            "If every replica was restarted with this VAULT_KEY before, VAULT_KEY_PREVIOUS can go; "
            "else run this again after the last restart. Backups from before still need the "
            "previous key: keep a copy as long as you keep them."
        )
        return 0

    run_operation("tickets", rotate)


def _keys() -> VaultKeys:
    settings = Settings.from_environment()
    return VaultKeys(settings.vault_key, settings.vault_key_previous, settings.fingerprint_key)


COMMANDS: Final = {command.name: command for command in (check_vault, rotate_vault_key)}
