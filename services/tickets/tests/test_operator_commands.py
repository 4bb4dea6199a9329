"""Tests of the operator's commands on shows and the vault."""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from common.operations.cli import main
from common.persistence.mongo import Doc
from common.testing.client import Client
from common.testing.polling import eventually
from common.values.ids import new_id
from tickets.testing import FINGERPRINT_KEY, VAULT_KEY, entry_document
from tickets.vault_keys import VaultKeys

SHOWS = "/api/tickets/shows"
BY_ANN = ("--actor", "ann", "--reason", "storm at sea")


@pytest.fixture
async def show(tickets: Client) -> dict[str, Any]:
    """A show that its creator can no longer change, because another seller lists for it."""
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    body = {
        "name": "Siegfried",
        "timeZone": "Europe/Berlin",
        "startsAt": f"{day}T17:00",
        "endsAt": f"{day}T22:30",
        "venue": {"name": "Staatsoper", "city": "Berlin", "country": "DE"},
        "category": "theatre",
    }
    tickets.sign_in()
    show = (await tickets.post(SHOWS, json=body)).json()
    tickets.sign_in()
    ticket = {"title": "Front row", "price": 20, "showId": show["id"]}
    assert (await tickets.post("/api/tickets", json=ticket)).status_code == 201
    return show


async def run(environment: dict[str, Any], *arguments: str) -> tuple[int | None, str]:
    """Run a command beside the running service, and return its status and output."""
    variables = {name.upper(): str(value) for name, value in environment.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "common.operations.cli", "tickets", *arguments),
        env={"PATH": os.environ["PATH"], **variables, "LOG_LEVEL": "ERROR"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def test_help_lists_the_commands_of_every_service_and_those_of_this_one() -> None:
    result = CliRunner().invoke(main, ["tickets", "--help"])

    assert result.exit_code == 0
    for name in ("audit", "decide", "republish-state", "show-cancel", "vault-check"):
        assert f"\n  {name} " in result.output
    assert "\n  refund " not in result.output


async def test_cancelled_show_is_recorded_and_reaches_its_tickets(
    tickets: Client, show: dict[str, Any], environment: dict[str, Any]
) -> None:
    status, output = await run(environment, "show-cancel", show["id"], *BY_ANN)
    _, log = await run(environment, "audit", show["id"])

    assert status == 0, output
    assert "operator ann: storm at sea" in log

    async def is_shown() -> bool:
        (ticket,) = (await tickets.get("/api/tickets/mine")).json()
        shown = (await tickets.get(f"{SHOWS}/{show['id']}")).json()
        return ticket["show"].get("cancelledAt") == shown["cancelledAt"]

    await eventually(is_shown)


async def test_operator_changes_a_closed_show(
    tickets: Client, show: dict[str, Any], environment: dict[str, Any]
) -> None:
    later = show["startsAt"].partition("T")[0] + "T18:15"

    status, output = await run(
        environment, "show-edit", show["id"], "--starts-at", later, "--city", "Potsdam", *BY_ANN
    )

    changed = (await tickets.get(f"{SHOWS}/{show['id']}")).json()
    assert status == 0, output
    assert changed["startsAt"] != show["startsAt"]
    assert changed["venue"] == {"name": "Staatsoper", "city": "Potsdam", "country": "DE"}
    assert (changed["name"], changed["endsAt"]) == (show["name"], show["endsAt"])


async def test_invalid_commands_change_nothing(
    tickets: Client, show: dict[str, Any], environment: dict[str, Any]
) -> None:
    before = (await tickets.get(f"{SHOWS}/{show['id']}")).json()

    statuses = [
        (await run(environment, "show-cancel", new_id(), *BY_ANN))[0],
        (await run(environment, "show-cancel", show["id"], "--actor", "ann"))[0],
        (await run(environment, "show-edit", show["id"], "--country", "XX", *BY_ANN))[0],
    ]

    assert statuses == [1, 2, 1]
    assert (await tickets.get(f"{SHOWS}/{show['id']}")).json() == before


async def test_vault_is_checked_and_its_key_replaced(
    tickets: Client, environment: dict[str, Any]
) -> None:
    assert tickets  # a running replica
    keys = VaultKeys(SecretStr(VAULT_KEY), None, SecretStr(FINGERPRINT_KEY))
    async with AsyncMongoClient[Doc](environment["mongo_uri"], w="majority") as client:
        vault = client.get_default_database()["vault"]
        docs = [entry_document(keys), entry_document(keys, "revealed")]
        await vault.insert_many(docs)

        assert await run(environment, "vault-check") == (0, "Right: 1 revealed, 1 sealed.\n")
        new = {**environment, "vault_key": "c3" * 32}
        status, output = await run(new, "vault-check")
        assert (status, output.count(str(docs[0]["_id"]))) == (1, 2), output
        status, output = await run({**new, "vault_key_previous": VAULT_KEY}, "vault-rotate")
        assert (status, "2 entries wrapped again" in output) == (0, True), output
        assert await run(new, "vault-check") == (0, "Right: 1 revealed, 1 sealed.\n")
