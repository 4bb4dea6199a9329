"""`make mongo-shell`, `redis-shell` and `nats-shell`: the stores' own shells, with their passwords.

A password is passed in the environment, because `ps` shows arguments.
"""

import os
import shutil
from collections.abc import Mapping
from typing import NoReturn

import click

from ticketing_local.errors import CliError
from ticketing_local.stack import binaries, mongo_set_up, nats_set_up, node, servers
from ticketing_local.stack.stored_secrets import StoredSecrets


def mongo_shell(port: Mapping[str, int], secrets: StoredSecrets, service: str) -> NoReturn:
    """Replace this process by mongosh, from PATH or else from npm."""
    in_path = shutil.which("mongosh")
    command = [in_path] if in_path else node.tool("npx", "--yes", "mongosh@2")
    options = ["--quiet", "--nodb", "--shell", "--eval", "db = connect(process.env.MONGO_URL)"]
    url = servers.mongo_url_as(mongo_set_up.OPERATOR, port["mongod"], secrets, service)
    _execute([*command, *options], {"MONGO_URL": url})


def redis_shell(port: Mapping[str, int], secrets: StoredSecrets) -> NoReturn:
    """Replace this process by the redis-cli beside redis-server."""
    redis_cli = binaries.find(binaries.REDIS).with_name("redis-cli")
    if not redis_cli.exists():
        raise CliError(f"{redis_cli} does not exist. Install Redis's command-line tools.")
    password = secrets.read(servers.REDIS_PASSWORD)
    _execute([str(redis_cli), "-p", str(port["redis"])], {"REDISCLI_AUTH": password})


def nats_shell(port: Mapping[str, int], secrets: StoredSecrets) -> NoReturn:
    """Replace this process by a shell in which the command `nats` is the operator."""
    if not shutil.which("nats"):
        click.echo("Install the command `nats`: https://github.com/nats-io/natscli", err=True)
    variables = {
        "NATS_URL": servers.nats_url(port["nats"]),
        "NATS_USER": nats_set_up.OPERATOR,
        "NATS_PASSWORD": secrets.read(nats_set_up.secret_name(nats_set_up.OPERATOR)),
    }
    _execute([os.environ.get("SHELL") or "sh"], variables)


def _execute(command: list[str], variables: Mapping[str, str]) -> NoReturn:
    os.execvpe(command[0], command, {**os.environ, **variables})  # noqa: S606 - it takes over the terminal
