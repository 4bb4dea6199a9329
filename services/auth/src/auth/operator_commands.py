"""The operator's commands on accounts, beside those of every service (`common.operations.cli`).

    ticketing-admin auth grant ann@example.com --actor bob --reason "joins support"
    ticketing-admin auth revoke ann@example.com --actor bob --reason "left"
    ticketing-admin auth suspend <user id> --actor ann --reason "sells tickets of others"
    ticketing-admin auth reinstate <user id> --actor ann --reason "a mistake"

Each ends all sessions of the account, and the next sign-in has the change. The user is shown the
reason of a suspension. The audit log of the account names actors and reasons:
`ticketing-admin auth audit <user id>`.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import click

from auth import deletion_commands
from auth.access_service import AccessService
from auth.account_schemas import SuspensionOut
from auth.api import State
from auth.domain.account import Account
from common.auth.dependencies import OPERATOR
from common.errors import ApiError
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.operations.cli import run_operation
from common.values.camel_model import CamelModel

Decide = Callable[[AccessService, str, str], Awaitable[Account]]
"""Changes the account of an id for a reason."""


class _Account(CamelModel):
    id: str
    created_at: datetime
    role: str | None
    suspension: SuspensionOut | None


def _command(name: str, summary: str, decide: Decide) -> click.Command:
    """Return a command that changes what an account may do."""

    @click.command(name, help=summary)
    @click.argument("id_or_email", metavar="USER_ID_OR_EMAIL")
    @click.option("--actor", required=True, help="Who does this.")
    @click.option("--reason", required=True, help="Why.")
    def command(id_or_email: str, actor: str, reason: str) -> None:
        async def run(state: ServiceState) -> int:
            assert isinstance(state, State)  # noqa: S101 - the state of this service
            try:
                with acting_as(f"operator {actor}: {reason}"):
                    found = await state.access.find(id_or_email)
                    account = await decide(state.access, found.id, reason)
            except ApiError as error:
                click.echo(f"Nothing was changed: {error}")
                return 1
            click.echo(_Account.from_attributes(account).model_dump_json(indent=2))
            return 0

        run_operation("auth", run)

    return command


COMMANDS: Final = deletion_commands.COMMANDS | {
    command.name: command
    for command in (
        _command(
            "grant",
            "Make a user an operator.",
            lambda access, user_id, _: access.grant(user_id, OPERATOR),
        ),
        _command(
            "revoke",
            "Make an operator an ordinary user.",
            lambda access, user_id, _: access.revoke(user_id),
        ),
        _command(
            "suspend",
            "Keep a user from listing, ordering and paying, and show them the reason.",
            lambda access, user_id, reason: access.suspend(user_id, reason),
        ),
        _command(
            "reinstate",
            "End the suspension of a user.",
            lambda access, user_id, _: access.reinstate(user_id),
        ),
    )
}
