"""The operator's commands on shows, beside those of every service (`common.operations.cli`).

Those on the vault are in `vault_commands`, those on listings in `listing_commands`.

    ticketing-admin tickets show-edit <show id> --city Potsdam --actor ann --reason "moved"
    ticketing-admin tickets show-cancel <show id> --actor ann --reason "storm"

The audit log of the show names the actor and the reason: `ticketing-admin tickets audit <show id>`.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import click
from pydantic import ValidationError

from common.errors import ApiError
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.operations.cli import run_operation
from common.shows import ShowCategory
from common.values.ids import is_id
from tickets import listing_commands, vault_commands
from tickets.api import State
from tickets.domain.show import Show
from tickets.schemas import ShowIn, ShowOut
from tickets.show_service import ShowService

actor_option = click.option("--actor", required=True, help="Who does this.")
reason_option = click.option("--reason", required=True, help="Why.")


@click.command("show-cancel")
@click.argument("show_id", metavar="ID")
@actor_option
@reason_option
def cancel_show(show_id: str, actor: str, reason: str) -> None:
    """Cancel a show, and with it the unpaid orders of its tickets."""

    async def cancel(shows: ShowService) -> Show:
        return await shows.cancel(show_id)

    _change_show(show_id, actor, reason, cancel)


@click.command("show-edit")
@click.argument("show_id", metavar="ID")
@click.option("--name")
@click.option("--starts-at", help="A local time at the venue, such as 2027-06-14T20:30.")
@click.option("--ends-at", help="A local time at the venue.")
@click.option("--time-zone", help="An IANA zone, such as Europe/Berlin.")
@click.option("--venue", help="The name of the venue.")
@click.option("--city")
@click.option("--country", help="An ISO 3166 code, such as DE.")
@click.option("--category", type=click.Choice([*ShowCategory]))
@actor_option
@reason_option
def edit_show(show_id: str, actor: str, reason: str, **changes: str | None) -> None:
    """Change the facts of a show, although others sell or buy for it."""

    async def edit(shows: ShowService) -> Show:
        body = _changed_body(await shows.get(show_id), changes)
        return await shows.correct(show_id, ShowIn.model_validate(body).to_details())

    _change_show(show_id, actor, reason, edit)


def _changed_body(show: Show, changes: dict[str, str | None]) -> dict[str, Any]:
    """Return the body of a request that would make these changes."""
    body: dict[str, Any] = ShowOut.from_attributes(show).model_dump(mode="json", by_alias=False)
    given = {name: value for name, value in changes.items() if value is not None}
    for option, field in (("venue", "name"), ("city", "city"), ("country", "country")):
        if option in given:
            body["venue"][field] = given.pop(option)
    return body | given


def _change_show(
    show_id: str, actor: str, reason: str, change: Callable[[ShowService], Awaitable[Show]]
) -> None:
    if not is_id(show_id):
        raise click.UsageError("An id has 24 hex digits")

    async def run(state: ServiceState) -> int:
        assert isinstance(state, State)  # noqa: S101 - the state of this service
        try:
            with acting_as(f"operator {actor}: {reason}"):
                show = await change(state.shows)
        except (ApiError, ValidationError) as error:
            click.echo(f"Nothing was changed: {error}")
            return 1
        click.echo(ShowOut.from_attributes(show).model_dump_json(indent=2))
        return 0

    run_operation("tickets", run)


COMMANDS: Final = {
    **{command.name: command for command in (cancel_show, edit_show)},
    **vault_commands.COMMANDS,
    **listing_commands.COMMANDS,
}
