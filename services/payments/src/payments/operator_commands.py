"""The operator's commands on payments, beside those of every service (`common.operations.cli`).

    ticketing-admin payments reconcile
    ticketing-admin payments seller-pause <user id> --actor ann --reason "many claims"
    ticketing-admin payments seller-resume <user id> --actor ann --reason "all answered"

The audit log of the seller names the actor and the reason:
`ticketing-admin payments audit <user id>`.
"""

import asyncio
import sys
from typing import Final

import click

from common.errors import NotFound
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.observability.logging import configure_logging
from common.operations.cli import run_operation
from common.persistence import mongo
from common.values.clock import utc_now
from common.values.ids import is_id
from payments.api import State
from payments.domain.ledger import BALANCE, Line
from payments.reconciliation import RECHECK_SECONDS
from payments.reconciliation import reconcile as compare_with_stripe
from payments.settings import ReconciliationSettings
from payments.store.ledger import Ledger
from payments.stripe.gateway import Gateway, StripeUnavailable

actor_option = click.option("--actor", required=True, help="Who does this.")
reason_option = click.option("--reason", required=True, help="Why.")


@click.command("reconcile")
@click.option(
    "--recheck-seconds",
    default=RECHECK_SECONDS,
    show_default=True,
    help="How long until what differs is looked at again.",
)
def reconcile(recheck_seconds: float) -> None:
    """Compare every payment and payout with Stripe, and exit with 1 if anything differs.

    It reads MongoDB and Stripe, and needs no other part of the service.
    """
    settings = ReconciliationSettings.from_environment()
    configure_logging("payments", log_format=settings.log_format, level=settings.log_level)
    sys.exit(asyncio.run(_reconcile(settings, recheck_seconds)))


async def _reconcile(settings: ReconciliationSettings, recheck_seconds: float) -> int:
    async with (
        mongo.connect(
            settings.mongo_uri,
            [],
            username="payments",
            password=settings.mongo_password.get_secret_value(),
        ) as database,
        Gateway(
            settings.stripe_key,
            api_base=settings.stripe_api_base,
            webhook_secret=None,
            timeout_seconds=settings.stripe_timeout_seconds,
        ) as gateway,
    ):
        try:
            result, found = await compare_with_stripe(
                Ledger(database), gateway.balance, utc_now, recheck_seconds=recheck_seconds
            )
        except StripeUnavailable as error:
            click.echo(error.details[0].message)
            return 1
    for one in found.differences:
        click.echo(
            f"{one.subject}: {one.what}: {_dollars(one.stored)} here, "
            f"{_dollars(one.at_stripe)} at Stripe"
        )
    for line in Line:
        click.echo(f"{line.value:24} {_dollars(found.totals[line]):>16}")
    click.echo(f"{BALANCE:24} {_dollars(result.balance):>16}")
    click.echo(f"{'held for sellers':24} {_dollars(result.held):>16}")
    click.echo(f"{'owed by sellers':24} {_dollars(result.owed):>16}")
    click.echo(f"{result.differences} differences")
    return 1 if result.differences else 0


def _dollars(cents: int) -> str:
    return f"{cents / 100:,.2f}"


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
            except NotFound:
                click.echo("Nothing was changed: this user has no account for payouts")
                return 1
        click.echo(f"{seller.id} is {'paused' if seller.is_paused else 'not paused'}")
        return 0

    run_operation("payments", change)


COMMANDS: Final = {
    command.name or "": command for command in (reconcile, pause_seller, resume_seller)
}
