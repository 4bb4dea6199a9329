"""The operator's commands on listings whose original is in the vault.

    ticketing-admin tickets vault-show <ticket id>
    ticketing-admin tickets decide <ticket id> --clear --actor ann --reason "a gift of his father"

`vault-show` prints who sold, bought and was last shown the original, and who else uploaded its
code. Everything that happened to it, with actors and reasons, is in its audit log:
`ticketing-admin tickets audit <entry id>`.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import click

from common.errors import ApiError
from common.events import TicketStatus, VaultState
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.operations.cli import run_operation
from common.values.camel_model import CamelModel
from common.values.ids import is_id
from tickets.api import State
from tickets.domain.vault_entry import Decision
from tickets.schemas import TicketOut


class _Listing(CamelModel):
    id: str
    user_id: str
    created_at: datetime
    status: TicketStatus
    withdrawn: bool
    frozen_until: datetime | None
    order_id: str | None
    holder_id: str | None


class _Person(CamelModel):
    user_id: str
    ticket_id: str
    at: datetime


class _Entry(CamelModel):
    """An entry without its codes, and the listings it had, the oldest first."""

    id: str
    state: VaultState
    uploaded_by: str
    uploaded_at: datetime
    symbologies: tuple[str, ...]
    is_current: bool
    released_at: datetime | None
    reveal: _Person | None
    matches: tuple[_Person, ...]
    decision: Decision | None
    listings: tuple[_Listing, ...] = ()


@click.command("vault-show")
@click.argument("ticket_id", metavar="ID")
def show_vault_entry(ticket_id: str) -> None:
    """Print the original of a ticket without its codes, and everybody who sold or bought it."""

    async def show(state: State) -> str:
        entry, listings = await state.duplicates.find_chain(ticket_id)
        shown = _Entry.from_attributes(entry)
        chain = tuple(_Listing.from_attributes(listing) for listing in listings)
        return shown.model_copy(update={"listings": chain}).model_dump_json(indent=2)

    _run(ticket_id, show)


@click.command("decide")
@click.argument("ticket_id", metavar="ID")
@click.option("--clear", "decision", flag_value=Decision.CLEARED, type=Decision, required=True)
@click.option("--withdraw", "decision", flag_value=Decision.WITHDRAWN, type=Decision)
@click.option("--actor", required=True, help="Who does this.")
@click.option("--reason", required=True, help="Why.")
def decide(ticket_id: str, decision: Decision, actor: str, reason: str) -> None:
    """Decide about a listing whose code somebody else uploaded: sell it on, or withdraw it."""

    async def carry_out(state: State) -> str:
        with acting_as(f"operator {actor}: {reason}"):
            if decision is Decision.CLEARED:
                ticket = await state.duplicates.clear(ticket_id)
            else:
                ticket = await state.duplicates.withdraw(ticket_id)
        return TicketOut.from_attributes(ticket).model_dump_json(indent=2)

    _run(ticket_id, carry_out)


def _run(ticket_id: str, operation: Callable[[State], Awaitable[str]]) -> None:
    """Print the result of an operation on a ticket, and exit."""
    if not is_id(ticket_id):
        raise click.UsageError("An id has 24 hex digits")

    async def run(state: ServiceState) -> int:
        assert isinstance(state, State)  # noqa: S101 - the state of this service
        try:
            click.echo(await operation(state))
        except ApiError as error:
            click.echo(f"Nothing was changed: {error}")
            return 1
        return 0

    run_operation("tickets", run)


COMMANDS: Final = {command.name: command for command in (show_vault_entry, decide)}
