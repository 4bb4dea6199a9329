"""The operator's commands on payments, beside those of every service (`common.operations.cli`).

    ticketing-admin payments reconcile
    ticketing-admin payments seller-pause <user id> --actor ann --reason "many claims"
    ticketing-admin payments seller-resume <user id> --actor ann --reason "all answered"

The audit log of the seller names the actor and the reason:
`ticketing-admin payments audit <user id>`.
"""

from typing import Final

import click

from common.errors import ApiError
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.operations.cli import run_operation
from common.values.ids import is_id
from payments.api import State

actor_option = click.option("--actor", required=True, help="Who does this.")
reason_option = click.option("--reason", required=True, help="Why.")


@click.command("reconcile")
def reconcile() -> None:
    """Compare every payment and payout with Stripe, and exit with 1 if anything differs."""

    async def compare(state: ServiceState) -> int:
        assert isinstance(state, State)  # noqa: S101 - the type of this service's state
        count = 0
        async for one in state.sync.find_differences():
            count += 1
            click.echo(
                f"{one.subject}: {one.what}: {one.stored / 100:.2f} here, "
                f"{one.at_stripe / 100:.2f} at Stripe"
            )
        click.echo(f"{count} differences")
        return 1 if count else 0

    run_operation("payments", compare)


@click.command("seller-pause")
@click.argument("user_id", metavar="ID")
@actor_option
@reason_option
def pause_seller(user_id: str, actor: str, reason: str) -> None:
    """Hold the payouts of a seller back."""
    _set_paused(user_id, actor, reason, is_paused=True)


@click.command("seller-resume")
@click.argument("user_id", metavar="ID")
@actor_option
@reason_option
def resume_seller(user_id: str, actor: str, reason: str) -> None:
    """Continue the payouts of a seller."""
    _set_paused(user_id, actor, reason, is_paused=False)


def _set_paused(user_id: str, actor: str, reason: str, *, is_paused: bool) -> None:
    async def change(state: ServiceState) -> int:
        assert isinstance(state, State)  # noqa: S101 - the type of this service's state
        if not is_id(user_id):
            click.echo("An id has 24 hex digits")
            return 1
        with acting_as(f"operator {actor}: {reason}"):
            try:
                seller = await state.sellers.pause(user_id, is_paused=is_paused)
            except ApiError as error:
                click.echo(error.details[0].message)
                return 1
        click.echo(f"{seller.id} is {'paused' if seller.is_paused else 'not paused'}")
        return 0

    run_operation("payments", change)


COMMANDS: Final = {
    command.name or "": command for command in (reconcile, pause_seller, resume_seller)
}
