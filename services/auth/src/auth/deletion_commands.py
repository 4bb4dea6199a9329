"""The operator's command that deletes an account.

    ticketing-admin auth delete <user id or email> --actor ann --reason "asked by letter"

It does not wait for the shows of tickets that the user bought, but for everything else: an unpaid
order, a reserved listing, a payment. The record of the deletion names the actor and the reason:
`ticketing-admin auth audit <user id>`.
"""

import asyncio
from typing import Final

import click

from auth.api import State
from common.errors import ApiError
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.operations.cli import run_operation

WAIT_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.5


@click.command("delete")
@click.argument("id_or_email", metavar="USER_ID_OR_EMAIL")
@click.option("--actor", required=True, help="Who does this.")
@click.option("--reason", required=True, help="Why.")
def delete(id_or_email: str, actor: str, reason: str) -> None:
    """Delete an account whose deletion waits for the show of a bought ticket."""

    async def run(state: ServiceState) -> int:
        assert isinstance(state, State)  # noqa: S101 - the state of this service
        try:
            account = await state.access.find(id_or_email)
            with acting_as(f"operator {actor}: {reason}"):
                await state.deletions.request(account.id, ignores_dates=True)
        except ApiError as error:
            click.echo(f"Nothing was deleted: {error}")
            return 1
        click.echo(await _outcome(state, account.id))
        return 0

    run_operation("auth", run)


async def _outcome(state: State, user_id: str) -> str:
    """Return what became of a deletion, after waiting for it."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if await state.deletions.is_erased(user_id):
            return f"User {user_id} was deleted."
        account = await state.access.find(user_id)
        if account.closing is None and account.kept is not None:
            return f"The account was kept after all, because of this: {account.kept.reason}"
        await asyncio.sleep(POLL_SECONDS)
    return f"The account {user_id} is closing. The service deletes it, or keeps it with a letter."


COMMANDS: Final = {"delete": delete}
