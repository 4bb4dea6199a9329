"""The `ticketing` command: run and operate the stack on this machine."""
# ruff: noqa: PLC0415 - each command imports only what it needs, because all imports take a second

import os
import signal
import sys
from pathlib import Path

import click

from ticketing_local.errors import CliError
from ticketing_local.stack import ports
from ticketing_local.stack.paths import Home
from ticketing_local.stack.run_record import environ_of_run
from ticketing_local.stack.stored_secrets import StoredSecrets

FOLDER = click.argument(
    "folder", required=False, type=click.Path(path_type=Path, resolve_path=True)
)

ADDRESS = click.option("--address", help="Of another system, such as https://ticketing.dev.")
CA_FILE = click.option(
    "--ca-file", type=click.Path(path_type=Path), help="Certificate authority of that address, PEM."
)


@click.group()
def main() -> None:
    """Run and operate the ticketing stack on this machine, without containers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@main.command()
def start() -> None:
    """Start the stack and run it until Ctrl-C."""
    from ticketing_local.commands.start import StackRunner

    StackRunner(Home.from_environment(), os.environ).run()


@main.command(hidden=True)
def prepare() -> None:
    """Download the servers and build the web client. `start` runs this first, if needed."""
    from ticketing_local.commands.prepare import prepare

    prepare(os.environ)


@main.command()
def stop() -> None:
    """Stop the stack, from another terminal or after a crash."""
    from ticketing_local.commands.stop import stop

    stop(Home.from_environment())


@main.command()
def reset() -> None:
    """Delete all data of the stopped stack."""
    from ticketing_local.commands.stop import reset

    reset(Home.from_environment())


@main.command()
@ADDRESS
@CA_FILE
def seed(address: str | None, ca_file: Path | None) -> None:
    """Create sample users and tickets in the running stack."""
    from ticketing_local.api_user import run_script
    from ticketing_local.commands.seed import seed

    run_script(seed, address, ca_file)


@main.command()
@ADDRESS
@CA_FILE
def demo(address: str | None, ca_file: Path | None) -> None:
    """Run one purchase and one expiration on the running stack."""
    from ticketing_local.api_user import run_script
    from ticketing_local.commands.demo import demo

    run_script(demo, address, ca_file)


@main.command()
def status() -> None:
    """Print the health, backlog and dead letters of every component."""
    from ticketing_local.commands.status import collect, render

    components = collect(environ_of_run(Home.from_environment(), os.environ))
    click.echo(render(components))
    sys.exit(0 if all(component.healthy for component in components) else 1)


@main.command()
@FOLDER
def backup(folder: Path | None) -> None:
    """Write every database and stream of the running stack to a folder."""
    from ticketing_local.commands.backup import backup

    backup(Home.from_environment(), folder)


@main.command()
@FOLDER
@click.option("--yes", is_flag=True, help="Do not ask before data is replaced.")
@click.option(
    "--without-keys", is_flag=True, help="Restore although the keys of the vault are lost."
)
def restore(folder: Path | None, *, yes: bool, without_keys: bool) -> None:
    """Replace the data of the stopped stack with a backup."""
    from ticketing_local.commands.restore import restore

    if folder is None:
        raise CliError("No folder given. Run `make restore FROM=.local/backups/<name>`.")
    restore(Home.from_environment(), os.environ, folder, confirmed=yes, without_keys=without_keys)


@main.command("mongo-shell")
@click.argument("service", type=click.Choice(ports.SERVICES))
def mongo_shell(service: str) -> None:
    """Open mongosh in the database of a service, as the operator."""
    from ticketing_local.commands.shell import mongo_shell

    mongo_shell(*_stores(), service)


@main.command("redis-shell")
def redis_shell() -> None:
    """Open redis-cli."""
    from ticketing_local.commands.shell import redis_shell

    redis_shell(*_stores())


@main.command("nats-shell")
def nats_shell() -> None:
    """Open a shell in which the command `nats` is the operator."""
    from ticketing_local.commands.shell import nats_shell

    nats_shell(*_stores())


def _stores() -> tuple[dict[str, int], StoredSecrets]:
    """Return the ports of the running stack, and its secrets."""
    home = Home.from_environment()
    return ports.resolve_ports(environ_of_run(home, os.environ)), StoredSecrets(home.secrets)


@main.command("trace-viewer")
def trace_viewer() -> None:
    """Receive traces and show them in the browser."""
    from ticketing_local.commands.trace_viewer import serve

    serve()


def _add_admin_command(name: str, description: str, *, hidden: bool = False) -> None:
    @main.command(name, help=description, hidden=hidden)
    @click.argument("service", required=False, type=click.Choice(ports.SERVICES))
    def run(service: str | None) -> None:  # pyright: ignore[reportUnusedFunction] - click calls it
        from ticketing_local.commands.admin import run_admin_command

        services = [service] if service else list(ports.SERVICES)
        run_admin_command(Home.from_environment(), [name], services)


_add_admin_command("dead-letters", "List the events that the services could not process.")
_add_admin_command("replay", "Process the dead letters again and remove those that succeed.")
_add_admin_command("republish-state", "Publish the current state of every aggregate again.")
_add_admin_command("rebuild", "The former name of republish-state.", hidden=True)


# Options after the service, `--help` too, are those of its command.
@main.command("admin", context_settings={"allow_interspersed_args": False})
@click.argument("service", type=click.Choice(ports.SERVICES))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def admin(service: str, command: tuple[str, ...]) -> None:
    """Run an operator command of one service, such as `show-cancel` of tickets.

    `admin tickets --help` lists those of tickets.
    """
    from ticketing_local.commands.admin import run_admin_command

    run_admin_command(Home.from_environment(), command, [service])
