"""What a run needs beside its settings: the servers' binaries and the built web client."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial

import click

from ticketing_local.stack import binaries, client, progress

SERVERS = (binaries.MONGOD, binaries.NATS, binaries.REDIS, binaries.CADDY)


def is_complete(environ: Mapping[str, str]) -> bool:
    """Return whether nothing has to be downloaded or built."""
    with_client = client.enabled(environ)
    required = [*SERVERS, *([binaries.NODE] if with_client else [])]
    with ThreadPoolExecutor(len(required)) as pool:
        found = list(pool.map(binaries.locate, required))
    return all(found) and (not with_client or client.is_built())


def prepare(environ: Mapping[str, str]) -> None:
    """Download the binaries and build the client, and report the progress."""
    tasks: dict[str, Callable[[], object]] = {
        server.executable: partial(binaries.find, server) for server in SERVERS
    }
    if client.enabled(environ):
        tasks["the web client"] = _prepare_client
    pool = ThreadPoolExecutor(len(tasks))
    try:
        _await({pool.submit(task): name for name, task in tasks.items()})
    finally:
        pool.shutdown(wait=False)  # after an error, nobody needs the rest


def _await(pending: dict[Future[object], str]) -> None:
    """Wait for the tasks, and raise the error of the first that fails."""
    while pending:
        done, _ = wait(pending, progress.INTERVAL_SECONDS, FIRST_COMPLETED)
        for future in done:
            name = pending.pop(future)
            future.result()
            click.echo(f"  {name} is ready ({progress.format_elapsed()})")
        if not done:
            names = ", ".join(pending.values())
            click.echo(f"  still preparing {names} ({progress.format_elapsed()})")


def _prepare_client() -> None:
    binaries.find(binaries.NODE)
    client.build()
