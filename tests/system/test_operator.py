"""What an operator does about what could not be handled."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator

import nats
import pytest
from nats.aio.client import Client

from common.testing.plugin import eventually
from support.api_user import Person
from support.system import System
from ticketing_local.stack import environment

POISON = b'{"id": "no id", "version": \xff}'


@pytest.fixture
async def nats_client(system: System) -> AsyncGenerator[Client]:
    client = await nats.connect(system.nats)
    yield client
    await client.close()


def _operate(system: System, service: str, command: str) -> subprocess.CompletedProcess[str]:
    told = system.processes[service].program.environment
    return subprocess.run(
        [sys.executable, "-m", "common.operations.cli", service, command],
        env={
            **environment.passed(os.environ, *environment.ANY_PROGRAM, "PYTHONPATH"),
            **told,
            "LOG_LEVEL": "ERROR",
        },
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a_poison_message_waits_with_its_reason_and_blocks_nobody(
    system: System, seller: Person, buyer: Person, nats_client: Client
) -> None:
    js = nats_client.jetstream()
    headers = {"Nats-Msg-Id": "poison", "ce-subject": "poison"}
    await js.publish("ticket.updated", POISON, headers=headers)
    order = await buyer.order(await seller.sell())
    await buyer.pay(order)

    async def given_up() -> bool:
        return (await js.stream_info("dead-letters")).state.messages > 0

    await eventually(given_up)
    listed = _operate(system, "orders", "dead-letters")
    assert listed.returncode == 0, listed.stderr
    assert "orders-tickets  ticket.updated  invalid  after 1" in listed.stdout
    replayed = _operate(system, "orders", "replay")
    assert "0 replayed, 1 still fail" in replayed.stdout
    assert replayed.returncode == 1
    assert "0 dead letters" in _operate(system, "tickets", "dead-letters").stdout
    await js.purge_stream("dead-letters")


async def test_rebuilding_changes_nothing_that_is_right(
    system: System, seller: Person, buyer: Person
) -> None:
    order = await buyer.order(await seller.sell())
    await buyer.pay(order)
    await buyer.sees(f"/api/orders/{order['id']}", status="complete")
    for service in ("tickets", "orders", "expiration", "payments", "auth"):
        done = _operate(system, service, "rebuild")
        assert done.returncode == 0, done.stderr
        assert "states emitted again" in done.stdout
    await buyer.sees(f"/api/orders/{order['id']}", status="complete")
    await buyer.sees(f"/api/tickets/{order['ticket']['id']}", status="sold", orderId=order["id"])
