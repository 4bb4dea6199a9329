"""The operator's commands on one service, run in its environment beside the running service.

    ticketing-admin orders dead-letters
    ticketing-admin orders replay
    ticketing-admin orders republish-state
    ticketing-admin orders audit <order id>
    ticketing-admin payments audit <order or charge id>
    ticketing-admin tickets show-cancel <show id> --actor ann --reason "storm"
    ticketing-admin tickets vault-check

A service adds commands of its own in its module `operator_commands`.
`python -m common.operations.cli` is the same program. Dead letters are read and deleted by NATS's
user `operator`, whose password no service has: it comes from NATS_OPERATOR_PASSWORD or from stdin.
"""

import asyncio
import copy
import importlib
import importlib.util
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import click
from bson import ObjectId
from fastapi import FastAPI
from pydantic import SecretStr

from common.lifecycle import ServiceState
from common.messaging import bus, dead_letters
from common.messaging.connection import Connection
from common.messaging.envelope import EventEnvelope
from common.messaging.subscriptions import durable_name, load_subscriptions
from common.persistence.audit_log import find_audit_log
from common.settings import EnvironmentSettings
from common.values.ids import is_id

PUBLISH_BATCH_SIZE: Final = 256
PUBLISH_ATTEMPTS, PUBLISH_RETRY_SECONDS = 10, 1.0
SERVICES = ("auth", "tickets", "orders", "expiration", "payments")


def create_app(service: str) -> FastAPI:
    """Create the app of a service that is configured by the environment."""
    return importlib.import_module(f"{service}.app").create_app()


def commands_of(service: str) -> Mapping[str, click.Command]:
    """Return the commands that a service adds to those of every service."""
    module = f"{service}.operator_commands"
    if importlib.util.find_spec(module) is None:
        return {}
    return importlib.import_module(module).COMMANDS


class _ServiceGroup(click.Group):
    """The commands of every service, and those of the service in the arguments."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, for `--help`."""
        return sorted([*super().list_commands(ctx), *_commands_in(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is none of this name."""
        return super().get_command(ctx, cmd_name) or _commands_in(ctx).get(cmd_name)


def _commands_in(context: click.Context) -> Mapping[str, click.Command]:
    """Return the own commands of the service in the arguments, if there is one."""
    service = context.params.get("service")
    return commands_of(service) if service else {}


@click.group(cls=_ServiceGroup)
@click.argument("service", type=click.Choice(SERVICES))
@click.pass_context
def main(context: click.Context, service: str) -> None:
    """Operate one service."""
    context.obj = service


class OperatorSettings(EnvironmentSettings):
    """How the user `operator` connects to NATS."""

    nats_url: str
    namespace: str = ""
    nats_operator_password: SecretStr = SecretStr("")
    """Empty connects without authentication."""


password_stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the operator's password from stdin."
)


@main.command("dead-letters")
@password_stdin_option
@click.pass_obj
def list_dead_letters(service: str, *, password_stdin: bool) -> None:
    """List the service's dead letters with their reasons."""
    sys.exit(asyncio.run(_list_dead_letters(service, _operator_settings(password_stdin))))


@main.command()
@password_stdin_option
@click.pass_obj
def replay(service: str, *, password_stdin: bool) -> None:
    """Handle the dead letters again; delete those that succeed."""
    settings = _operator_settings(password_stdin)
    run_operation(service, lambda state: _replay(state, settings))


@main.command("republish-state")
@click.pass_obj
def republish_state(service: str) -> None:
    """Publish the present state of every aggregate."""
    run_operation(service, _republish_state)


@main.command()
@click.argument("aggregate_id", metavar="ID")
@click.pass_obj
def audit(service: str, aggregate_id: str) -> None:
    """Print the audit log of one aggregate."""
    run_operation(service, lambda state: _print_audit_log(state, aggregate_id))


for _alias, _command in (("rebuild", republish_state), ("history", audit)):  # their former names
    _hidden = copy.copy(_command)
    _hidden.hidden = True
    main.add_command(_hidden, _alias)


def run_operation(service: str, operation: Callable[[ServiceState], Awaitable[int]]) -> None:
    """Exit with the status of an operation on the open service.

    It serves no HTTP, but consumes events and runs the background loops until it exits.
    """

    async def run() -> int:
        app = create_app(service)
        async with app.router.lifespan_context(app):
            await app.state.opened.wait()
            return await operation(app.state.service)

    sys.exit(asyncio.run(run()))


def _operator_settings(password_stdin: bool) -> OperatorSettings:  # noqa: FBT001 - a flag
    settings = OperatorSettings.from_environment()
    if password_stdin:
        password = SecretStr(sys.stdin.read().strip())
        return settings.model_copy(update={"nats_operator_password": password})
    return settings


@asynccontextmanager
async def _connect_as_operator(settings: OperatorSettings) -> AsyncGenerator[Connection]:
    async with bus.connect(
        settings.nats_url,
        "operator",
        password=settings.nats_operator_password.get_secret_value(),
        namespace=settings.namespace,
    ) as connected:
        yield connected.connection


async def _list_dead_letters(service: str, settings: OperatorSettings) -> int:
    count = 0
    async with _connect_as_operator(settings) as operator:
        for stream in load_subscriptions().durable.get(service, ()):
            async for letter in dead_letters.iter_dead_letters(
                operator, durable_name(service, stream)
            ):
                count += 1
                body = letter.data.decode(errors="replace")  # invalid text may be why it is here
                click.echo(
                    f"{letter.sequence}  {letter.durable}  {letter.subject}  {letter.reason}"
                    f"  after {letter.attempts}: {letter.detail}\n    {body}"
                )
    click.echo(f"{count} dead letters")
    return 0


async def _replay(state: ServiceState, settings: OperatorSettings) -> int:
    async with _connect_as_operator(settings) as operator:
        replayed, failed = await dead_letters.replay(state.running.bus, operator)
    click.echo(f"{replayed} replayed, {failed} still fail")
    return 1 if failed else 0


async def _republish_state(state: ServiceState) -> int:
    """Publish batch by batch: one by one, each event would wait for NATS's disk."""
    count = 0
    batch: list[EventEnvelope] = []
    async for envelope in state.snapshot_events():
        batch.append(envelope)
        if len(batch) == PUBLISH_BATCH_SIZE:
            await _publish_all(state.running.bus, batch)
            count += len(batch)
            batch.clear()
    await _publish_all(state.running.bus, batch)
    click.echo(f"{count + len(batch)} states published")
    return 0


async def _publish_all(connected: bus.Bus, events: Sequence[EventEnvelope]) -> None:
    """Publish events; again those that NATS did not acknowledge in time.

    NATS stores none twice, and one slow response among a million should not end the command.
    """
    for attempt in range(1, PUBLISH_ATTEMPTS + 1):
        outcomes = await asyncio.gather(*map(connected.publish, events), return_exceptions=True)
        failures = [outcome for outcome in outcomes if outcome is not None]
        if not failures:
            return
        if attempt == PUBLISH_ATTEMPTS or not isinstance(failures[0], bus.PublishError):
            raise failures[0]
        events = [e for e, outcome in zip(events, outcomes, strict=True) if outcome is not None]
        await asyncio.sleep(PUBLISH_RETRY_SECONDS)


async def _print_audit_log(state: ServiceState, aggregate_id: str) -> int:
    if not is_id(aggregate_id):
        click.echo("An id has 24 hex digits")
        return 1
    entries = await find_audit_log(state.running.relay.collections, ObjectId(aggregate_id))
    if entries is None:
        click.echo("No audit log for this id")
        return 1
    for entry in entries:
        correlation_ids = " ".join(
            f"{k}={entry[k]}" for k in ("request_id", "trace_id") if k in entry
        )
        changed = json.dumps(entry["changed"], default=str, ensure_ascii=False)
        click.echo(
            f"{entry['version']:>3}  {_format_time(entry['at'])}  {entry['by']}  "
            f"{correlation_ids}\n     {changed}"
        )
    return 0


def _format_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


if __name__ == "__main__":
    main()
