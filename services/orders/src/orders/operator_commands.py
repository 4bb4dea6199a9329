"""The operator's commands on orders, beside those of every service (`common.operations.cli`).

    ticketing-admin orders refund <order id> --actor ann --reason "sold twice elsewhere"

The audit log of the order names the actor and the reason: `ticketing-admin orders audit <id>`.
"""

from typing import Final

import click

from common.errors import ApiError
from common.lifecycle import ServiceState
from common.observability.context import acting_as
from common.operations.cli import run_operation
from common.values.ids import is_id
from orders.api import State


@click.command("refund")
@click.argument("order_id", metavar="ID")
@click.option("--actor", required=True, help="Who does this.")
@click.option("--reason", required=True, help="Why.")
def refund_order(order_id: str, actor: str, reason: str) -> None:
    """Return the money of a paid order to its buyer, without asking its seller."""
    if not is_id(order_id):
        raise click.UsageError("An id has 24 hex digits")

    async def run(state: ServiceState) -> int:
        assert isinstance(state, State)  # noqa: S101 - the state of this service
        try:
            with acting_as(f"operator {actor}: {reason}"):
                order = await state.orders.refund_as_operator(order_id)
        except ApiError as error:
            click.echo(f"Nothing was changed: {error}")
            return 1
        click.echo(f"Order {order.id}: the refund is agreed since {order.refund_agreed_at}")
        return 0

    run_operation("orders", run)


COMMANDS: Final = {refund_order.name: refund_order}
