"""`make mongo-shell` and `make redis-shell`: the stores' own shells, with the stored passwords.

A password is passed in the environment, because `ps` shows arguments.
"""

import os
import shutil
from collections.abc import Mapping
from typing import NoReturn

from ticketing_local.errors import CliError
from ticketing_local.stack import binaries, mongo_set_up, servers
from ticketing_local.stack.stored_secrets import StoredSecrets


def mongo_shell(port: int, secrets: StoredSecrets, service: str) -> NoReturn:
    """Replace this process by mongosh, from PATH or else from npm."""
    command = ["mongosh"] if shutil.which("mongosh") else ["npx", "--yes", "mongosh@2"]
    if not shutil.which(command[0]):
        raise CliError("Neither mongosh nor npx is in PATH. Install Node 20 or mongosh.")
    options = ["--quiet", "--nodb", "--shell", "--eval", "db = connect(process.env.MONGO_URL)"]
    url = servers.mongo_url_as(mongo_set_up.OPERATOR, port, secrets, service)
    _execute([*command, *options], {"MONGO_URL": url})


def redis_shell(port: int, secrets: StoredSecrets) -> NoReturn:
    """Replace this process by the redis-cli beside redis-server."""
    redis_cli = binaries.find(binaries.REDIS).with_name("redis-cli")
    if not redis_cli.exists():
        raise CliError(f"{redis_cli} does not exist. Install Redis's command-line tools.")
    password = secrets.read(servers.REDIS_PASSWORD)
    _execute([str(redis_cli), "-p", str(port)], {"REDISCLI_AUTH": password})


def _execute(command: list[str], variables: Mapping[str, str]) -> NoReturn:
    os.execvpe(command[0], command, {**os.environ, **variables})  # noqa: S606 - it takes over the terminal
