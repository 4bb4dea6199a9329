"""What an operator can do with one service: dead letters, its state emitted again, who did what.

    python -m common.operations.cli orders dead-letters
    python -m common.operations.cli orders replay
    python -m common.operations.cli orders rebuild
    python -m common.operations.cli orders history <order id>
    python -m common.operations.cli payments history <order or charge id>

It runs with the service's own environment, beside the running service.
"""

import argparse
import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Protocol

from bson import ObjectId
from fastapi import FastAPI

from common.lifecycle import RunningService, ServiceState
from common.messaging import dead_letters
from common.messaging.envelope import EventEnvelope
from common.values.ids import is_id


class ServiceModule(Protocol):
    """What `<service>.app` offers: the app itself."""

    create_app: Callable[[], FastAPI]


async def _print_dead_letters(running: RunningService) -> int:
    count = 0
    for consumer in running.bus.durable_consumers:
        async for letter in dead_letters.iter_dead_letters(running.bus, consumer.name):
            count += 1
            body = letter.data.decode(errors="replace")  # it may be here for not being text
            sys.stdout.write(
                f"{letter.sequence}  {letter.durable}  {letter.subject}  {letter.reason}"
                f"  after {letter.attempts}: {letter.detail}\n    {body}\n"
            )
    sys.stdout.write(f"{count} dead letters\n")
    return 0


async def _replay(running: RunningService) -> int:
    replayed, failed = await dead_letters.replay(running.bus)
    sys.stdout.write(f"{replayed} replayed, {failed} still fail\n")
    return 1 if failed else 0


async def _rebuild(running: RunningService, states: AsyncIterator[EventEnvelope]) -> int:
    count = 0
    async for message in states:
        await running.bus.publish(message)
        count += 1
    sys.stdout.write(f"{count} states emitted again\n")
    return 0


async def _print_audit_log(running: RunningService, aggregate_id: str) -> int:
    if not is_id(aggregate_id):
        sys.stdout.write("An id has 24 hex digits\n")
        return 1
    _id = ObjectId(aggregate_id)
    for collection in running.relay.collections:
        doc = await collection.find_one({"$or": [{"_id": _id}, {"order_id": _id}]}, {"history": 1})
        if doc is not None and "history" in doc:
            for entry in doc["history"]:
                correlation_ids = " ".join(
                    f"{k}={entry[k]}" for k in ("request_id", "trace_id") if k in entry
                )
                sys.stdout.write(
                    f"{entry['version']:>3}  {_format_time(entry['at'])}  {entry['by']}  "
                    f"{correlation_ids}\n"
                    f"     {json.dumps(entry['changed'], default=str, ensure_ascii=False)}\n"
                )
            return 0
    sys.stdout.write("Nothing with that id has a history here\n")
    return 1


def _format_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def run_command(service: str, command: str, aggregate_id: str = "") -> int:
    """Open the service, without serving HTTP, and do one thing."""
    module: ServiceModule = importlib.import_module(f"{service}.app")  # pyright: ignore[reportAssignmentType]
    app = module.create_app()
    async with app.router.lifespan_context(app):
        state: ServiceState = app.state.service
        running = state.running
        if command == "dead-letters":
            return await _print_dead_letters(running)
        if command == "replay":
            return await _replay(running)
        if command == "history":
            return await _print_audit_log(running, aggregate_id)
        return await _rebuild(running, state.snapshot_events())


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m common.operations.cli", description=__doc__)
    parser.add_argument("service", choices=["auth", "tickets", "orders", "expiration", "payments"])
    parser.add_argument("command", choices=["dead-letters", "replay", "rebuild", "history"])
    parser.add_argument("id", nargs="?", default="", help="of what to show the history")
    arguments = parser.parse_args()
    return asyncio.run(run_command(arguments.service, arguments.command, arguments.id))


if __name__ == "__main__":
    sys.exit(main())
