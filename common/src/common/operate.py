"""What an operator can do with one service: see and replay dead letters, emit its state again.

    python -m common.operate orders dead-letters
    python -m common.operate orders replay
    python -m common.operate orders rebuild

It runs with the service's own environment, beside the running service.
"""

import argparse
import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from fastapi import FastAPI

from common import dead_letters
from common.app import Running
from common.bus import Message


class Operable(Protocol):
    """What `<service>.app` offers: the app itself."""

    create: Callable[[], FastAPI]


async def _print_dead_letters(running: Running) -> int:
    count = 0
    for consumer in running.bus.durables:
        async for letter in dead_letters.listed(running.bus, consumer.name):
            count += 1
            body = letter.data.decode(errors="replace")  # it may be here for not being text
            sys.stdout.write(
                f"{letter.sequence}  {letter.durable}  {letter.subject}  {letter.reason}"
                f"  after {letter.attempts}: {letter.detail}\n    {body}\n"
            )
    sys.stdout.write(f"{count} dead letters\n")
    return 0


async def _replay(running: Running) -> int:
    done, failed = await dead_letters.replay(running.bus)
    sys.stdout.write(f"{done} replayed, {failed} still fail\n")
    return 1 if failed else 0


async def _rebuild(running: Running, states: AsyncIterator[Message]) -> int:
    count = 0
    async for message in states:
        await running.bus.publish(message)
        count += 1
    sys.stdout.write(f"{count} states emitted again\n")
    return 0


async def operate(service: str, command: str) -> int:
    """Open the service, without serving HTTP, and do one thing."""
    module: Operable = importlib.import_module(f"{service}.app")  # pyright: ignore[reportAssignmentType]
    app = module.create()
    async with app.router.lifespan_context(app):
        running: Running = app.state.running
        if command == "dead-letters":
            return await _print_dead_letters(running)
        if command == "replay":
            return await _replay(running)
        return await _rebuild(running, app.state.rebuild())


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m common.operate", description=__doc__)
    parser.add_argument("service", choices=["auth", "tickets", "orders", "expiration", "payments"])
    parser.add_argument("command", choices=["dead-letters", "replay", "rebuild"])
    arguments = parser.parse_args()
    return asyncio.run(operate(arguments.service, arguments.command))


if __name__ == "__main__":
    sys.exit(main())
